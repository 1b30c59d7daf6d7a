import {
  type CallEvent,
  type CallPart,
  type CallRecord,
  type CallState,
  type DeviceId,
  foldCallEvent,
  outcomeOf,
  outcomeOn,
  type Participant,
  participantOf,
} from '@communication-center/contracts';

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
    role: call.initiator === now.userAlias ? 'initiator' : 'callee',
    outcome: outcomeOf(call, now, part?.outcome ?? null),
    reason: now.state === 'gone' ? now.reason : null,
    ...(now.state === 'gone' && now.declineReason && { declineReason: now.declineReason }),
    ...(now.state === 'gone' && now.mediaFailure && { mediaFailure: now.mediaFailure }),
    deviceId: deviceOf(now) ?? part?.deviceId ?? null,
    ringSeconds: (part?.ringSeconds ?? 0) + rangFor(before, now, time),
    talkSeconds: (part?.talkSeconds ?? 0) + (record ? talkedFor(record, before, now, time) : 0),
  };
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
  const seen = (part: CallPart) => (part.userAlias === userAlias ? { ...part, outcome: outcomeOn(deviceId, part) } : part);
  return { ...record, parts: record.parts.map(seen) };
}
