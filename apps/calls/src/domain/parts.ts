import {
  type CallEvent,
  type CallOutcome,
  type CallPart,
  type CallRecord,
  type CallState,
  type DeviceId,
  foldCallEvent,
  type Participant,
  participantOf,
} from '@communication-center/contracts';

function isInitiator(call: CallState, { userAlias }: Participant): boolean {
  return call.initiator === userAlias;
}

/**
 * Folds one event into a call and everyone's outcome.
 * @returns the record after the event; the same where the event is not newer.
 */
export function foldRecord(record: CallRecord | undefined, event: CallEvent): CallRecord {
  const after = foldCallEvent(record, event);
  if (record && after.sequence === record.sequence) return record;
  return { ...after, parts: after.participants.map((participant) => partAfter(record, after, participant, event.time)) };
}

function partAfter(record: CallRecord | undefined, call: CallState, now: Participant, time: string): CallPart {
  const before = record && participantOf(record, now.userAlias);
  const part = record?.parts.find(({ userAlias }) => userAlias === now.userAlias);
  return {
    userAlias: now.userAlias,
    role: isInitiator(call, now) ? 'initiator' : 'callee',
    outcome: outcomeOf(call, now, part?.outcome ?? null),
    reason: now.state === 'gone' ? now.reason : null,
    deviceId: deviceOf(now) ?? part?.deviceId ?? null,
    ringSeconds: (part?.ringSeconds ?? 0) + rangFor(before, now, time),
    talkSeconds: (part?.talkSeconds ?? 0) + (record ? talkedFor(record, before, now, time) : 0),
  };
}

function outcomeOf(call: CallState, now: Participant, before: CallOutcome | null): CallOutcome | null {
  if (before === 'answered') return before;
  if (isInitiator(call, now)) {
    if (call.status === 'connected' && now.state === 'connected') return 'answered';
    return now.state === 'gone' ? 'unanswered' : null;
  }
  if (now.state === 'ringing') return null;
  if (now.state === 'connected') return 'answered';
  return now.reason === 'declined' || now.reason === 'busy' ? now.reason : 'missed';
}

function deviceOf(participant: Participant): DeviceId | null {
  return participant.state === 'ringing' ? null : participant.deviceId;
}

/** Seconds of a ring that has just ended. */
function rangFor(before: Participant | undefined, now: Participant, time: string): number {
  return before?.state === 'ringing' && now.state !== 'ringing' ? secondsBetween(before.since, time) : 0;
}

/** Seconds of a stay that has just ended, from when there was somebody to talk to. */
function talkedFor(record: CallState, before: Participant | undefined, now: Participant, time: string): number {
  if (record.status !== 'connected' || before?.state !== 'connected' || now.state === 'connected') return 0;
  return Math.min(secondsBetween(before.since, time), secondsBetween(record.answeredAt, time));
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}

/** @returns a record whose outcomes are told as one device of one user saw them. */
export function asSeenBy(record: CallRecord, userAlias: string, deviceId: DeviceId): CallRecord {
  return { ...record, parts: record.parts.map((part) => (part.userAlias === userAlias ? partSeenBy(part, deviceId) : part)) };
}

function partSeenBy(part: CallPart, deviceId: DeviceId): CallPart {
  if (part.role === 'initiator' || part.deviceId === null || part.deviceId === deviceId) return part;
  if (part.outcome === 'answered') return { ...part, outcome: 'answered_elsewhere' };
  return part.outcome === 'declined' ? { ...part, outcome: 'declined_elsewhere' } : part;
}
