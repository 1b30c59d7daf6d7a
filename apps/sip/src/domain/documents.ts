import type { Presence } from '@communication-center/contracts';

/** What a phone was told of a call last: it is told once of its end, by the same name. */
export interface ToldDialog {
  callId: string;
  direction?: 'initiator' | 'recipient' | undefined;
  remote?: string | undefined;
}

/** What a document depends on besides the reading it tells. */
interface Telling {
  appId: string;
  /** Of this subscription: rises by one with each document (RFC 4235 §4.1). */
  version: number;
  /** The dialogs of the document before. */
  told: readonly ToldDialog[];
}

/** The event packages that are spoken: busy-lamp fields (RFC 4235) and presence (RFC 3856). */
export const packages = {
  dialog: { contentType: 'application/dialog-info+xml', write: dialogInfo },
  presence: { contentType: 'application/pidf+xml', write: pidf },
} as const;
export type Package = keyof typeof packages;

export function isPackage(name: string): name is Package {
  return Object.hasOwn(packages, name);
}

/** @returns text as XML may carry it; what XML 1.0 allows in no form is left out. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** @returns the SIP URI of a user (RFC 3261 §19.1): what its user part may not hold is percent-encoded. */
export function uriOf(userAlias: string, appId: string): string {
  return `sip:${encodeURIComponent(userAlias).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)}@${appId}`;
}

const dialogStates = { dialing: 'early', ringing: 'early', connected: 'confirmed' } as const;

/** Who called (RFC 4235 §4.1.2): a reading of an older release tells it only until the call is answered. */
function directionOf({ state, direction }: Presence['calls'][number]): ToldDialog['direction'] {
  if (direction) return direction === 'outgoing' ? 'initiator' : 'recipient';
  return state === 'connected' ? undefined : state === 'ringing' ? 'recipient' : 'initiator';
}

/** @returns the dialogs that a document about these calls tells of; what a dialog was once told to be, its direction, it stays. */
export function dialogsOf({ calls }: Presence, told: readonly ToldDialog[]): ToldDialog[] {
  return calls.map((call) => ({
    callId: call.callId,
    direction: directionOf(call) ?? told.find(({ callId }) => callId === call.callId)?.direction,
    remote: call.with[0],
  }));
}

/**
 * A user's calls as dialog information (RFC 4235), always whole: a busy lamp is lit by `confirmed`, blinks by `early`, and
 * is dark without a dialog. A call that has ended since the last document is told of once more, as `terminated`: phones that count
 * dialogs do not miss one then.
 */
function dialogInfo(presence: Presence, { appId, version, told }: Telling): string {
  const live = dialogsOf(presence, told).map((dialog, index) => {
    const { state, deviceId } = presence.calls[index] as Presence['calls'][number];
    return dialogElement(dialog, { appId, userAlias: presence.userAlias, state: dialogStates[state], deviceId });
  });
  const ended = told
    .filter(({ callId }) => !presence.calls.some((call) => call.callId === callId))
    .map((dialog) => dialogElement(dialog, { appId, userAlias: presence.userAlias, state: 'terminated', deviceId: null }));
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" ` +
    `entity="${xml(uriOf(presence.userAlias, appId))}">${[...live, ...ended].join('')}</dialog-info>\n`
  );
}

interface Around {
  appId: string;
  userAlias: string;
  state: string;
  deviceId: string | null;
}

function dialogElement({ callId, direction, remote }: ToldDialog, { appId, userAlias, state, deviceId }: Around): string {
  const told = direction ? ` direction="${direction}"` : '';
  const there = remote === undefined ? '' : `<remote><identity>${xml(uriOf(remote, appId))}</identity></remote>`;
  const target = deviceId ? `<target uri="${xml(uriOf(deviceId, appId))}"/>` : '';
  const here = `<local><identity>${xml(uriOf(userAlias, appId))}</identity>${target}</local>`;
  return `<dialog id="${xml(callId)}" call-id="${xml(callId)}"${told}><state>${state}</state>${here}${there}</dialog>`;
}

const activities: Partial<Record<Presence['status'], string>> = {
  busy: '<rpid:on-the-phone/>',
  do_not_disturb: '<rpid:busy/>',
  away: '<rpid:away/>',
};

/** A user's presence as PIDF (RFC 3863): open or closed, each device a tuple, and what it is busy with (RPID, RFC 4480). */
function pidf(presence: Presence, { appId }: Telling): string {
  const tuple = (id: string, status: Presence['status']) =>
    `<tuple id="${xml(id)}"><status><basic>${status === 'offline' ? 'closed' : 'open'}</basic></status></tuple>`;
  const devices = presence.devices.map(({ deviceId, status }) => tuple(`device-${deviceId}`, status));
  const activity = activities[presence.status];
  const person = activity ? `<dm:person id="user"><rpid:activities>${activity}</rpid:activities></dm:person>` : '';
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" ' +
    `xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="${xml(uriOf(presence.userAlias, appId))}">${tuple('user', presence.status)}${devices.join('')}${person}</presence>\n`
  );
}
