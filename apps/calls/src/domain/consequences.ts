import { type CallState, type Participant, participantOf, type UserAlias } from '@communication-center/contracts';

/**
 * `connection` is set by the sockets' comings and goings, `deleted` where a user in the call was, `closed` where its app was, the
 * others by the call's own state.
 */
export type DeadlineKind = 'ring' | 'max_duration' | 'media' | 'upgrade' | 'connection' | 'deleted' | 'closed';

interface Deadline {
  kind: DeadlineKind;
  /** Empty where the deadline is the whole call's. */
  userAlias: UserAlias | '';
  dueAt: string;
}

/** What a call's new state asks of the tables beside the log: whom it occupies and rings, and when it must be looked at again. */
export interface Consequences {
  claim: UserAlias[];
  /** Whose part has moved to another device. */
  move: UserAlias[];
  free: UserAlias[];
  startRinging: UserAlias[];
  stopRinging: UserAlias[];
  setDeadlines: Deadline[];
  clearDeadlines: Pick<Deadline, 'kind' | 'userAlias'>[];
}

function inState(call: CallState | undefined, state: 'ringing' | 'connected'): Set<UserAlias> {
  return new Set(call?.participants.filter((participant) => participant.state === state).map(({ userAlias }) => userAlias));
}

function deviceOf(call: CallState, userAlias: UserAlias): string | null {
  const participant = participantOf(call, userAlias);
  return participant?.state === 'connected' ? participant.deviceId : null;
}

/** Every call that is not ended has at least one deadline: nothing rings or lasts for ever. */
function deadlinesOf(call: CallState | undefined): Deadline[] {
  if (!call || call.status === 'ended') return [];
  const rings = call.participants.flatMap((participant): Deadline[] =>
    participant.state === 'ringing' ? [{ kind: 'ring', userAlias: participant.userAlias, dueAt: participant.until }] : [],
  );
  if (call.status === 'ringing') return rings;
  const dueAt = new Date(Date.parse(call.answeredAt) + call.maxDurationSeconds * 1000).toISOString();
  const media = call.participants.flatMap((participant): Deadline[] => {
    const mediaDue = mediaDueAt(call, participant);
    return mediaDue ? [{ kind: 'media', userAlias: participant.userAlias, dueAt: mediaDue }] : [];
  });
  const upgrade: Deadline[] = call.upgrade ? [{ kind: 'upgrade', userAlias: '', dueAt: call.upgrade.until }] : [];
  return [...rings, ...media, ...upgrade, { kind: 'max_duration', userAlias: '', dueAt }];
}

/** @returns by when the device of this participant must have joined its media; undefined where it need not. */
export function mediaDueAt(call: CallState, participant: Participant): string | undefined {
  if (call.status !== 'connected' || participant.state !== 'connected' || !call.mediaSetupSeconds) return undefined;
  const from = Math.max(Date.parse(call.answeredAt), Date.parse(participant.since));
  return new Date(from + call.mediaSetupSeconds * 1000).toISOString();
}

/** @returns the difference that a decision makes. */
export function consequencesOf(before: CallState | undefined, after: CallState): Consequences {
  const wasConnected = inState(before, 'connected');
  const isConnected = inState(after, 'connected');
  const wasRinging = inState(before, 'ringing');
  const isRinging = inState(after, 'ringing');
  const had = deadlinesOf(before);
  const has = deadlinesOf(after);
  const same = (one: Deadline) => (other: Deadline) => one.kind === other.kind && one.userAlias === other.userAlias;
  return {
    claim: [...isConnected.difference(wasConnected)],
    move: [...isConnected].filter((user) => before && wasConnected.has(user) && deviceOf(before, user) !== deviceOf(after, user)),
    free: [...wasConnected.difference(isConnected)],
    startRinging: [...isRinging.difference(wasRinging)],
    stopRinging: [...wasRinging.difference(isRinging)],
    setDeadlines: has.filter((deadline) => had.find(same(deadline))?.dueAt !== deadline.dueAt),
    clearDeadlines: had.filter((deadline) => !has.some(same(deadline))),
  };
}

/**
 * Finds the glare: the one callee is at this moment dialing the initiator, and only him. The two calls mean the same
 * conversation, so the second dial is an answer to the first.
 */
export function findGlare(initiator: UserAlias, callees: readonly UserAlias[], ringing: readonly CallState[]): CallState | undefined {
  const [callee] = callees;
  if (callees.length !== 1 || !callee) return undefined;
  return ringing.find(
    (call) =>
      call.initiator === callee && call.status === 'ringing' && !call.manyToMany && participantOf(call, initiator)?.state === 'ringing',
  );
}
