import { callReplySchema, type DeclineReason, toldSchema } from '@communication-center/contracts';
import { CenterError } from './center-error.js';
import { ask } from './rest.js';
import type { ToldReply } from './told-call.js';

/** What of a push's data is needed to take part in its ring. */
export interface PushedRingToken {
  callId: string;
  deviceId: string;
  /** In ISO 8601: with it the token ends. */
  deadline: string;
  /** Left out by releases that made none. */
  ringToken?: string;
}

const told = toldSchema(callReplySchema);
const tries = 3;

/**
 * Answers a ring by one request, before anything is connected, as from the answer button of a lock screen. The device is in the call
 * then: connect with the same `ring` next, within half a minute.
 * @throws CenterError such as `already_answered` or `already_ended`; `unauthenticated` once the ring's time is over.
 */
export async function answerWithRingToken(url: string, ring: PushedRingToken): Promise<ToldReply> {
  return act(url, ring, 'answer', {});
}

/** Declines a ring by one request. @throws CenterError as {@link answerWithRingToken}. */
export async function declineWithRingToken(
  url: string,
  ring: PushedRingToken,
  { reason = 'none' }: { reason?: DeclineReason } = {},
): Promise<ToldReply> {
  return act(url, ring, 'decline', { reason });
}

/** Tells the caller, and the Center, that this device rings, before anything is connected. @throws CenterError as {@link answerWithRingToken}. */
export async function confirmWithRingToken(url: string, ring: PushedRingToken): Promise<ToldReply> {
  return act(url, ring, 'ringing', {});
}

async function act(url: string, ring: PushedRingToken, what: 'answer' | 'decline' | 'ringing', more: object): Promise<ToldReply> {
  const headers = { authorization: `Bearer ${ring.ringToken ?? ''}`, 'content-type': 'application/json' };
  // The same act each time: a repeat gets the first reply.
  const body = JSON.stringify({ commandId: globalThis.crypto.randomUUID(), ...more });
  const request = { method: 'POST', headers, body };
  for (let tried = 1; ; tried += 1) {
    try {
      const { data } = told.safeParse(await ask(new URL(`/v1/calls/${ring.callId}/${what}`, url), request));
      if (data) return data;
      throw new CenterError('internal_error', 'The Center answered in a way that this client does not know: update it');
    } catch (error) {
      if (tried === tries || !(error instanceof CenterError) || error.code !== 'service_unavailable') throw error;
      await new Promise((resolve) => setTimeout(resolve, 300 * tried * (0.5 + Math.random())));
    }
  }
}
