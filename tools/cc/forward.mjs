import { createHmac, randomBytes } from 'node:crypto';

const answerMs = 15_000;

/** @returns a secret as endpoints have it. */
export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/**
 * Posts an event as a webhook: the same headers, the same body, signed (Standard Webhooks).
 * @returns {Promise<string>} what came of it, in a few words.
 */
export async function forward({ to, secret, event: { id, type, timestamp, data }, signal }) {
  const body = JSON.stringify({ type, timestamp, data });
  const seconds = Math.floor(Date.now() / 1000);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const mac = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  const began = performance.now();
  try {
    const response = await fetch(to, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'communication-center-listen/1',
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${mac}`,
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    await response.body?.cancel();
    return `${response.status} in ${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    return `not delivered: ${error.cause?.code ?? error.message}`;
  }
}
