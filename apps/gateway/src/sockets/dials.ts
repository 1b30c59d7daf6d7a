import type { CallId, CommandId } from '@communication-center/contracts';
import type { DeviceSocket } from './device-socket.js';
import type { DialedEvent } from './socket-owner.js';

/** A dial that its socket may still take back. */
export interface Dial {
  /** Aborted when it is taken back, or its socket is gone. */
  readonly isOver: AbortSignal;
  /** Whether the client took it back. */
  readonly isCancelled: boolean;
  /** The call it made, as soon as that is known. */
  callId?: CallId;
}

interface DialInHand extends Dial {
  callees: ReadonlySet<string>;
  isCancelled: boolean;
  over: AbortController;
}

/** Longer than a call rings. */
const doubtMs = 180_000;
const rememberedCancels = 64;

/**
 * The dials of a socket that have no reply yet. One that was taken back while nobody knew whether it had made a call is kept in
 * mind for a while: the call may show itself by its event.
 */
export class Dials {
  readonly #inHand = new Map<CommandId, DialInHand>();
  readonly #early = new Set<CommandId>();

  constructor(private readonly socket: Pick<DeviceSocket, 'gone'>) {}

  begin(commandId: CommandId, callees: readonly string[]): Dial {
    const over = new AbortController();
    const dial: DialInHand = {
      callees: new Set(callees),
      isCancelled: this.#early.delete(commandId),
      over,
      isOver: AbortSignal.any([over.signal, this.socket.gone]),
    };
    if (dial.isCancelled) over.abort();
    this.#inHand.set(commandId, dial);
    return dial;
  }

  /** It has its reply, or made no call for certain. */
  settle(commandId: CommandId): void {
    this.#inHand.delete(commandId);
  }

  /** Nobody knows whether it made a call. */
  doubt(commandId: CommandId): void {
    const dial = this.#inHand.get(commandId);
    setTimeout(() => this.#inHand.get(commandId) === dial && this.settle(commandId), doubtMs).unref();
  }

  /** Takes a dial back, also one whose turn is yet to come. @returns it, where it is in hand. */
  cancel(commandId: CommandId): Dial | undefined {
    const dial = this.#inHand.get(commandId);
    if (!dial) {
      this.#early.add(commandId);
      if (this.#early.size > rememberedCancels) this.#early.delete(this.#early.keys().next().value as CommandId);
      return undefined;
    }
    dial.isCancelled = true;
    dial.over.abort();
    return dial;
  }

  /** Notes the call that a dial made. @returns whether that dial was taken back. */
  heard({ callid, data }: DialedEvent): boolean {
    const dial = [...this.#inHand.values()].find(({ callId, callees }) => !callId && data.callees.every((callee) => callees.has(callee)));
    if (dial) dial.callId = callid;
    return dial?.isCancelled === true;
  }
}
