import {
  type AppId,
  type CallEvent,
  type CallFact,
  type CallId,
  type CallState,
  enveloped,
  foldCallEvent,
  type UserAlias,
} from '@communication-center/contracts';

/** A fact as the decider states it; its audience is everyone in the call by then. */
type Statement = { [T in CallFact['type']]: { type: T; data: Omit<Extract<CallFact, { type: T }>['data'], 'audience'> } }[CallFact['type']];

/** Facts decided one after the other, each seen in the state that the next one is decided on. */
export class Draft {
  readonly facts: CallFact[] = [];
  #state: CallState | undefined;

  constructor(
    private readonly callId: CallId,
    before: CallState | undefined,
    readonly now: Date,
  ) {
    this.#state = before;
  }

  /** @throws Error before the first fact: there is no call yet. */
  get call(): CallState {
    if (!this.#state) throw new Error(`Call ${this.callId} has no state yet`);
    return this.#state;
  }

  state(statement: Statement): this {
    const audience = audienceOf(this.#state, statement);
    const fact = { type: statement.type, data: { audience, ...statement.data } } as CallFact;
    this.facts.push(fact);
    this.#state = foldCallEvent(this.#state, provisional(fact, this.callId, (this.#state?.sequence ?? 0) + 1, this.now));
    return this;
  }
}

function audienceOf(call: CallState | undefined, statement: Statement): UserAlias[] {
  if (call) {
    const known = call.participants.map(({ userAlias }) => userAlias);
    return statement.type === 'call.participant_invited' ? [...new Set([...known, statement.data.userAlias])] : known;
  }
  return statement.type === 'call.dialed' ? [statement.data.initiator, ...statement.data.callees] : [];
}

/** The event a fact will be, for folding: the store adds what only it knows. */
export function provisional(fact: CallFact, callId: CallId, sequence: number, now: Date): CallEvent {
  const at = { id: `${callId}:${sequence}`, source: '/calls', at: now, subject: callId, appId: '' as AppId, sequence };
  return { ...enveloped(fact, at), callid: callId };
}
