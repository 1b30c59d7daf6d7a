import type { SendResult } from '../deliver/sender.js';
import type { Health } from '../domain/endpoint-health.js';
import { isNotice } from '../domain/message.js';
import { afterAttempt, reasonToDisable } from '../domain/what-comes-of-it.js';
import type { Endpoint } from '../endpoints/endpoint-store.js';
import type { Delivery, LaneTools } from './delivery.js';
import { disabledNotice, exhausted } from './notices.js';
import { attemptOf, type DeliveryOutcome } from './outcomes.js';

/** An attempt at a delivery, and how its endpoint is since: times are in milliseconds since 1970. */
interface Attempted {
  result: SendResult;
  health: Health;
  begunAt: number;
  now: number;
}

/**
 * @returns what is to be put on record of an attempt: whether it is the last one, and when the next one is due, in milliseconds since 1970;
 * null where there is none.
 */
export function outcomeOf(
  endpoint: Endpoint,
  delivery: Delivery,
  { result, health: { openUntil, failingSince }, begunAt, now }: Attempted,
  { schedule, disableAfterSeconds }: Pick<LaneTools, 'schedule' | 'disableAfterSeconds'>,
): { outcome: DeliveryOutcome; isSettled: boolean; nextAt: number | null } {
  const { endpointId } = endpoint;
  const { messageId, message, earlier, jobId } = delivery;
  const answer = answerIn(result);
  const made = delivery.made + 1;
  const deadForMs = openUntil === null ? null : Math.max(0, openUntil - now);
  const next = afterAttempt({ answer, made, schedule, deadForMs, random: Math.random() });
  const nextAt = next.state === 'waiting' ? now + next.delayMs : null;
  const outcome: DeliveryOutcome = { attempt: attemptOf(endpointId, delivery, result, { begunAt, nextAt }) };
  if (next.state === 'delivered') {
    if (delivery.isAgain) outcome.delivered = { endpointId, messageId };
  } else outcome.kept = { endpointId, message, made, earlier, jobId, ...next };
  if (next.state === 'failed' && !isNotice(message)) outcome.told = exhausted(endpoint, message, made, now);
  const disabled = answer.isAccepted ? undefined : reasonToDisable(answer, (now - (failingSince ?? now)) / 1000, disableAfterSeconds);
  if (disabled !== undefined)
    outcome.disabled = { endpointId, reason: disabled, notice: disabledNotice(endpoint, disabled, failingSince ?? now, now) };
  return { outcome, isSettled: next.state !== 'waiting', nextAt };
}

/** @returns what counts of an answer: whether it was taken, and what it asks for. */
export const answerIn = ({ status, retryAfterMs, error }: SendResult) => ({ status, retryAfterMs, isAccepted: error === null });
