import type { PushedMessage } from '@communication-center/contracts';
import type { ApnsMessage, FcmMessage, WebPushMessage } from './push-messages.js';

/*
 * Pushes that are no rings, as each provider wants them: what the system shows, and beside it what the app reads.
 */

/** @returns the alert for Apple; of each notification the newest is shown. */
export function apnsAlert(bundleId: string, told: PushedMessage, until: number): ApnsMessage {
  const aps = { alert: { title: told.title, body: told.body }, sound: 'default' };
  const expiry = Math.floor(until / 1000);
  return { topic: bundleId, pushType: 'alert', priority: 10, expiry, collapseId: told.notificationId, payload: { aps, ...told } };
}

/** @returns what Firebase delivers, and for how long it tries. */
export function fcmAlert(token: string, told: PushedMessage, ttlMs: number): FcmMessage {
  const data = Object.fromEntries(Object.entries(told).map(([name, value]) => [name, String(value)]));
  const notification = { title: told.title, body: told.body };
  return {
    token,
    data,
    notification,
    android: { priority: 'high', ttl: Math.max(0, Math.floor(ttlMs)), collapseKey: told.notificationId },
  };
}

/** @returns what a push service delivers; a repeat takes the place of what is not delivered yet. */
export function webPushAlert(told: PushedMessage, ttlMs: number): WebPushMessage {
  const TTL = Math.max(0, Math.floor(ttlMs / 1000));
  return { payload: JSON.stringify(told), options: { TTL, urgency: 'normal', topic: told.notificationId.replaceAll('-', '') } };
}
