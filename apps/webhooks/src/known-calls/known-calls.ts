import { type AnyEvent, type CallId, readEvent } from '@communication-center/contracts';
import type { Repair } from '@communication-center/event-log';
import type { CallFacts } from '../domain/event-filter.js';

/** Bytes that what is remembered may come to, about. */
const mostBytes = 8_000_000;
/** What a call costs beside its custom data, about. */
const bytesOfCall = 300;
/** Calls that are asked for at a time. */
const askedAtOnce = 8;

/**
 * What is fixed of calls from their dial on, for filters that ask for it. The dial of a call comes before all else of it, so that most
 * is remembered; what is not is read from the calls service. Nothing is lost where this forgets.
 */
export class KnownCalls {
  readonly #facts = new Map<string, { facts: CallFacts; bytes: number }>();
  #bytes = 0;

  /** @param readEvents reads the events of a call between two sequences. It throws while nobody answers. */
  constructor(
    private readonly readEvents: Repair,
    private readonly most = mostBytes,
  ) {}

  /**
   * @returns what is known of the calls of these events, by their ids; those that are nowhere any more are left out.
   * @throws while the calls service does not answer: whoever asks waits, since an event that is filtered by a guess may be lost.
   */
  async of(events: readonly Pick<AnyEvent, 'type' | 'subject' | 'data'>[]): Promise<Map<string, CallFacts>> {
    const found = new Map<string, CallFacts>();
    const unknown = new Set<string>();
    for (const event of events) {
      if (event.type === 'call.dialed') this.#remember(event.subject, factsOf(event));
      const known = this.#facts.get(event.subject);
      if (known) found.set(event.subject, known.facts);
      else if (event.type.startsWith('call.')) unknown.add(event.subject);
    }
    const waiting = [...unknown].filter((callId) => !found.has(callId));
    const readOn = async () => {
      for (let callId = waiting.pop(); callId !== undefined; callId = waiting.pop()) {
        const facts = await this.#read(callId);
        if (facts) found.set(callId, facts);
      }
    };
    await Promise.all(Array.from({ length: askedAtOnce }, readOn));
    return found;
  }

  async #read(callId: string): Promise<CallFacts | undefined> {
    const [dial] = await this.readEvents(callId as CallId, 0, 2);
    if (dial?.type !== 'call.dialed') return undefined;
    const facts = factsOf(readEvent('calls.events', dial as AnyEvent));
    this.#remember(callId, facts);
    return facts;
  }

  #remember(callId: string, facts: CallFacts): void {
    const bytes = bytesOfCall + (facts.customData ? JSON.stringify(facts.customData).length : 0);
    this.#forget(callId);
    this.#facts.set(callId, { facts, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#facts.keys()) {
      if (this.#bytes <= this.most) return;
      this.#forget(oldest);
    }
  }

  #forget(callId: string): void {
    const known = this.#facts.get(callId);
    if (!known) return;
    this.#facts.delete(callId);
    this.#bytes -= known.bytes;
  }
}

function factsOf({ data }: Pick<AnyEvent, 'data'>): CallFacts {
  const { callType, customData } = data as CallFacts;
  return { callType, customData };
}
