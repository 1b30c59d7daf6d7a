import { CenterError } from './center-error.js';
import type { Answer, Request } from './connection.js';

interface Pending {
  frame: Request;
  resolve: (answer: Answer) => void;
  reject: (error: CenterError) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** Requests that have no answer yet, by the ids under which they are sent. */
export class PendingRequests {
  readonly #pending = new Map<string, Pending>();
  #nextId = 1;

  /**
   * @param send is given what to send, at once.
   * @param timeoutMs how long the answer is waited for, over reconnects.
   * @param givenUp ends the waiting, and the sending again.
   * @throws CenterError with the Center's code, `service_unavailable` when no answer came in time, or `dial_cancelled`.
   */
  add(frame: Request, send: (id: string) => void, timeoutMs: number, givenUp?: AbortSignal): Promise<Answer> {
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.take(id);
        reject(new CenterError('dial_cancelled', 'It was taken back'));
      };
      if (givenUp?.aborted) return giveUp();
      givenUp?.addEventListener('abort', giveUp, { once: true });
      const timer = setTimeout(() => this.fail(id, new CenterError('service_unavailable', 'The Center did not answer in time')), timeoutMs);
      this.#pending.set(id, { frame, resolve, reject, timer });
      send(id);
    });
  }

  /** @returns what was asked under an id; undefined when it is answered, or was given up. */
  frameOf(id: string): Request | undefined {
    return this.#pending.get(id)?.frame;
  }

  /** @returns the request, which is waited for no longer. */
  take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  fail(id: string, error: CenterError): void {
    this.take(id)?.reject(error);
  }

  failAll(error: CenterError): void {
    for (const id of [...this.#pending.keys()]) this.fail(id, error);
  }

  *[Symbol.iterator](): Iterator<[string, Request]> {
    for (const [id, { frame }] of this.#pending) yield [id, frame];
  }
}
