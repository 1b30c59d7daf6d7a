import type { Presence } from '@communication-center/contracts';

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

/**
 * A user's calls as dialog information (RFC 4235), always whole: a busy lamp is lit by `confirmed`, blinks by `early`, and
 * is dark without a dialog.
 * @param version of this subscription: rises by one with each document (§4.1).
 */
function dialogInfo(presence: Presence, appId: string, version: number): string {
  const dialogs = presence.calls.map(({ callId, state, with: others, deviceId }) => {
    const direction = state === 'ringing' ? 'recipient' : 'initiator';
    const known = state === 'connected' ? '' : ` direction="${direction}"`;
    const remote = others[0] === undefined ? '' : `<remote><identity>${xml(uriOf(others[0], appId))}</identity></remote>`;
    const local = `<local><identity>${xml(uriOf(presence.userAlias, appId))}</identity>${deviceId ? `<target uri="${xml(uriOf(deviceId, appId))}"/>` : ''}</local>`;
    return `<dialog id="${xml(callId)}" call-id="${xml(callId)}"${known}><state>${dialogStates[state]}</state>${local}${remote}</dialog>`;
  });
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" ` +
    `entity="${xml(uriOf(presence.userAlias, appId))}">${dialogs.join('')}</dialog-info>\n`
  );
}

const activities: Partial<Record<Presence['status'], string>> = {
  busy: '<rpid:on-the-phone/>',
  do_not_disturb: '<rpid:busy/>',
  away: '<rpid:away/>',
};

/** A user's presence as PIDF (RFC 3863): open or closed, each device a tuple, and what it is busy with (RPID, RFC 4480). */
function pidf(presence: Presence, appId: string): string {
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
