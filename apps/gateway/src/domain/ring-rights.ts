import type { CallId, ClientFrame } from '@communication-center/contracts';

/** What a device that came by a ring token may ask for, besides signs of life: to ring, to be in the call that comes of it, and to leave it. */
const ofRings: ReadonlySet<ClientFrame['type']> = new Set<ClientFrame['type']>([
  'ringing',
  'device_ringing',
  'answer',
  'decline',
  'ignore',
  'hang_up',
  'credentials',
  'request_upgrade',
  'accept_upgrade',
  'refuse_upgrade',
]);

/** @returns whether a frame is among what a ring token is for. The calls service looks at it once more, and at what each says. */
export function mayByRingToken(frame: ClientFrame, callId: CallId): boolean {
  return ofRings.has(frame.type) && 'callId' in frame && frame.callId === callId;
}
