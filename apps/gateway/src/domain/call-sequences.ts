import {
  type CallEvent,
  type CallId,
  type CallState,
  type DeviceId,
  foldParticipant,
  type PartEnd,
  type Participant,
  participantOf,
  ringEndOn,
  type UserAlias,
} from '@communication-center/contracts';

const forgetAfterMs = 300_000;

/** Whose socket it is. */
interface Owner {
  userAlias: UserAlias;
  deviceId: DeviceId;
}

/** What a socket has heard of a call. */
interface Heard {
  sequence: number;
  /** The part in it of the socket's own user. */
  part: Participant | undefined;
}

/** What a socket is told of an event. */
interface News {
  /** Why the event ended the ring that the device may be showing; undefined when it did not. */
  ringEnded: PartEnd | undefined;
}

/**
 * Decides which events a socket still has to hear, by call and sequence: none that its snapshot held, none twice, and
 * none of a call that was over so long before the snapshot that the snapshot left it out. Knows by them how its user's rings end.
 */
export class CallSequences {
  readonly #owner: Owner;
  /** None until there is a call: most sockets idle. */
  #heard: Map<CallId, Heard> | undefined;
  readonly #oldest: number;

  constructor(owner: Owner, snapshot: readonly CallState[], takenAt: string) {
    this.#owner = owner;
    for (const call of snapshot) {
      this.#heard ??= new Map();
      this.#heard.set(call.callId, { sequence: call.sequence, part: participantOf(call, owner.userAlias) });
    }
    this.#oldest = Date.parse(takenAt) - forgetAfterMs;
  }

  /** @returns the calls in which this device is, or dials. */
  callsHere(): CallId[] {
    const isHere = (part: Participant | undefined) => part?.state === 'connected' && part.deviceId === this.#owner.deviceId;
    return [...(this.#heard ?? [])].flatMap(([callId, { part }]) => (isHere(part) ? [callId] : []));
  }

  /** @returns how far the socket has heard a call that rings its user; undefined where it does not. */
  ringing(callId: CallId): number | undefined {
    const heard = this.#heard?.get(callId);
    return heard?.part?.state === 'ringing' ? heard.sequence : undefined;
  }

  /** Whether this device is in a call, dials, or is being rung. */
  get isInUse(): boolean {
    return this.callsHere().length > 0 || [...(this.#heard?.values() ?? [])].some(({ part }) => part?.state === 'ringing');
  }

  /** @returns what the event tells the socket, and counts it as told from then on; undefined when it is not news. */
  take(event: CallEvent): News | undefined {
    const { userAlias, deviceId } = this.#owner;
    const heard = this.#heard?.get(event.callid);
    if (heard === undefined ? Date.parse(event.time) < this.#oldest : event.sequence <= heard.sequence) return undefined;
    const part = foldParticipant(heard?.part, event, userAlias);
    // An ended call has no more events, but a repeat of its last ones may come: it is kept until the next few have ended.
    this.#heard ??= new Map();
    this.#heard.delete(event.callid);
    this.#heard.set(event.callid, { sequence: event.sequence, part });
    if (this.#heard.size > 200) this.#heard.delete(this.#heard.keys().next().value as CallId);
    return { ringEnded: ringEndOn(deviceId, heard?.part, part) };
  }
}
