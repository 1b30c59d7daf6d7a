import type { CallEvent, DeviceId, RingEnded, UserAlias } from '@communication-center/contracts';

/**
 * Tells a device whether an event ended the ring it may be showing, and why.
 * @returns undefined when the event does not concern this user's ring, or when this device itself acted.
 */
export function ringEndedFor(event: CallEvent, userAlias: UserAlias, deviceId: DeviceId): RingEnded | undefined {
  if (!('userAlias' in event.data) || event.data.userAlias !== userAlias) return undefined;
  switch (event.type) {
    case 'call.answered':
      return event.data.deviceId === deviceId ? undefined : { reason: 'answered_elsewhere', byDevice: event.data.deviceId };
    case 'call.declined':
      if (event.data.deviceId === deviceId) return undefined;
      return { reason: event.data.deviceId === null ? 'declined' : 'declined_elsewhere', byDevice: event.data.deviceId };
    case 'call.missed':
    case 'call.left':
      return { reason: event.data.reason, byDevice: null };
    default:
      return undefined;
  }
}
