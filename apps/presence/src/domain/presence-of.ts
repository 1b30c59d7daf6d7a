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
}

interface Known {
  userAlias: UserAlias;
  version: number;
  lastSeenAt: string | null;
  /** Every open session of the user. */
  sessions: readonly OpenSession[];
  /** Every call, not ended, that the user has or had a part in. */
  calls: readonly CallState[];
}

/**
 * Folds what is known of a user into its presence: sets of sessions and of calls, never a "current call" slot, because
 * two calls' events arrive in any order.
 */
export function presenceOf({ userAlias, version, lastSeenAt, sessions, calls }: Known): Presence {
  const parts = calls.flatMap((call) => partIn(call, userAlias) ?? []);
  const inCall = new Set(parts.flatMap(({ deviceId }) => deviceId ?? []));
  const devices = [...Map.groupBy(sessions, ({ deviceId }) => deviceId)].map(([deviceId, open]) => ({
    deviceId,
    platform: (open.at(-1) as OpenSession).platform,
    status: (inCall.has(deviceId) ? 'busy' : 'online') as PresenceStatus,
    since: open.map(({ openedAt }) => openedAt).sort()[0] as string,
  }));
  const status = parts.length > 0 ? 'busy' : devices.length > 0 ? 'online' : 'offline';
  return { userAlias, status, version, calls: parts, devices, lastSeenAt };
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
  };
}
