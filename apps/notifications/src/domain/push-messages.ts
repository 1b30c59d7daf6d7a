import type { PushedRing, PushedStop, PushKind } from '@communication-center/contracts';

/*
 * What is pushed, as each provider wants it: headers and bodies, made of what is to be said and of nothing else.
 */

/** A push through Apple, as @parse/node-apn takes it. */
export interface ApnsMessage {
  topic: string;
  pushType: 'voip' | 'alert';
  priority: 10;
  /** In seconds since 1970: Apple keeps it no longer. */
  expiry: number;
  /** Up to 64 bytes. */
  collapseId: string;
  payload: Record<string, unknown>;
}

/** A push through Firebase, as firebase-admin takes it: data alone, so that the app decides what is shown. */
export interface FcmMessage {
  token: string;
  data: Record<string, string>;
  /** What the system shows by itself, of what is no ring. */
  notification?: { title: string; body: string };
  android: { priority: 'high'; ttl: number; collapseKey: string };
}

/** A push to a browser, as web-push takes it. */
export interface WebPushMessage {
  payload: string;
  options: { TTL: number; urgency: 'high' | 'normal'; topic: string };
}

/** @returns the ring for Apple: through PushKit, or as an alert where a device has no other token. */
export function apnsRing(kind: 'apns_voip' | 'apns_alert', bundleId: string, ring: PushedRing): ApnsMessage {
  const common = { priority: 10 as const, expiry: Math.floor(Date.parse(ring.deadline) / 1000), collapseId: ring.callId };
  if (kind === 'apns_voip') return { ...common, topic: `${bundleId}.voip`, pushType: 'voip', payload: { aps: {}, ...ring } };
  const alert = { 'title-loc-key': 'INCOMING_CALL', title: ring.callerName ?? ring.caller };
  const aps = { alert, sound: 'default', 'interruption-level': 'time-sensitive', 'mutable-content': 1 };
  return { ...common, topic: bundleId, pushType: 'alert', payload: { aps, ...ring } };
}

/** @returns what Firebase delivers, and for how long it tries. */
export function fcmMessage(token: string, told: PushedRing | PushedStop, ttlMs: number): FcmMessage {
  const data = Object.fromEntries(Object.entries(told).map(([name, value]) => [name, value === null ? '' : String(value)]));
  return { token, data, android: { priority: 'high', ttl: Math.max(0, Math.floor(ttlMs)), collapseKey: told.callId } };
}

/** @returns what a push service delivers. The end of a ring has its topic, so that it takes the place of a ring not yet delivered. */
export function webPushMessage(told: PushedRing | PushedStop, ttlMs: number): WebPushMessage {
  // Rounded down, as the deadline is what counts; 0 is "now or never" (RFC 8030 §5.2).
  const TTL = Math.max(0, Math.floor(ttlMs / 1000));
  return { payload: JSON.stringify(told), options: { TTL, urgency: 'high', topic: told.callId.replaceAll('-', '') } };
}

/** Whether a device can be told that a ring has ended: each push of PushKit must begin one, and an alert is shown as it is. */
export const isTold = (kind: PushKind): boolean => kind === 'fcm' || kind === 'web_push';
