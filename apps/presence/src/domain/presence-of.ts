import {
  type CallState,
  type DeviceId,
  type Platform,
  type Presence,
  type PresenceStatus,
  participantOf,
  type UserAlias,
} from '@communication-center/contracts';

export interface OpenSession {
  deviceId: DeviceId;
  platform: Platform;
  openedAt: string;
  away: boolean;
}

export interface SeenDevice {
  deviceId: DeviceId;
  platform: Platform;
  lastSeenAt: string;
}

export interface Known {
  userAlias: UserAlias;
  doNotDisturb: boolean;
  groups?: readonly string[];
  /** Every open session of the user. */
  sessions: readonly OpenSession[];
  /** Every device that was seen lately, connected or not. */
  seen: readonly SeenDevice[];
  /** Every call, not ended, that the user has or had a part in. */
  calls: readonly CallState[];
}

/**
 * Folds what is known of a user into its presence: sets of sessions and of calls, never a "current call" slot, because
 * two calls' events arrive in any order.
 */
export function presenceOf({ userAlias, doNotDisturb, groups = [], sessions, seen, calls }: Known): Omit<Presence, 'version'> {
  const parts = calls.flatMap((call) => partIn(call, userAlias) ?? []);
  const connected = [...Map.groupBy(sessions, ({ deviceId }) => deviceId)].map(([deviceId, open]) => ({
    deviceId,
    platform: (open.at(-1) as OpenSession).platform,
    status: statusOfDevice(deviceId, open, parts, doNotDisturb),
    since: open.map(({ openedAt }) => openedAt).sort()[0] as string,
  }));
  const there = new Set(connected.map(({ deviceId }) => deviceId));
  const gone = seen
    .filter(({ deviceId }) => !there.has(deviceId))
    .map(({ deviceId, platform, lastSeenAt }) => ({ deviceId, platform, status: 'offline' as const, since: lastSeenAt }));
  return {
    userAlias,
    status: statusOfUser(connected, parts, doNotDisturb),
    doNotDisturb,
    calls: parts,
    devices: [...connected, ...gone],
    lastSeenAt:
      seen
        .map(({ lastSeenAt }) => lastSeenAt)
        .sort()
        .at(-1) ?? null,
    ...(groups.length > 0 && { groups: [...groups] }),
  };
}

function statusOfDevice(deviceId: DeviceId, open: readonly OpenSession[], parts: Presence['calls'], doNotDisturb: boolean): PresenceStatus {
  // A user who is rung is rung on every device.
  if (parts.some((part) => part.deviceId === deviceId || part.state === 'ringing')) return 'busy';
  if (doNotDisturb) return 'do_not_disturb';
  return open.every(({ away }) => away) ? 'away' : 'online';
}

function statusOfUser(connected: readonly { status: PresenceStatus }[], parts: Presence['calls'], doNotDisturb: boolean): PresenceStatus {
  if (parts.length > 0) return 'busy';
  if (connected.length === 0) return 'offline';
  if (doNotDisturb) return 'do_not_disturb';
  return connected.every(({ status }) => status === 'away') ? 'away' : 'online';
}

function partIn(call: CallState, userAlias: UserAlias): Presence['calls'][number] | undefined {
  const participant = participantOf(call, userAlias);
  if (call.status === 'ended' || !participant || participant.state === 'gone') return undefined;
  const others = call.participants.filter((other) => other.userAlias !== userAlias && other.state !== 'gone');
  const dialing = participant.state === 'connected' && call.status === 'ringing';
  return {
    callId: call.callId,
    state: dialing ? 'dialing' : participant.state,
    with: others.map((other) => other.userAlias),
    deviceId: participant.state === 'connected' ? participant.deviceId : null,
    direction: call.initiator === userAlias ? 'outgoing' : 'incoming',
  };
}
