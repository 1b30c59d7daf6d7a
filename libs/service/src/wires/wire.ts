import type { Problem } from '@communication-center/contracts';
import { type WireQuestion, wireAnswerSchema, wireLimits } from '@communication-center/contracts/internal';
import { WebSocket } from 'ws';
import { bytesOf } from '../arrivals/read-frame.js';
import { SignsOfLife } from '../sockets/signs-of-life.js';

const beatMs = 10_000;

interface Asked {
  onLine: (line: unknown) => void;
  whole: () => void;
  refused: (problem: Problem) => void;
  failed: (error: Error) => void;
  late: NodeJS.Timeout;
}

/** How an answer ended: whole, or refused before its first line. */
export type Ended = { refused?: Problem };

/** One connection to one replica of a service, over which an endpoint that answers in lines is asked again and again. */
export class Wire {
  readonly #asked = new Map<number, Asked>();
  readonly #beating: NodeJS.Timeout;
  #last = 0;
  #isLeaving = false;

  /** @param onSilent is told when a question was not answered in time. */
  constructor(
    private readonly socket: WebSocket,
    private readonly onSilent: () => void,
  ) {
    const signs = new SignsOfLife(socket);
    socket.on('message', (data) => {
      signs.note();
      this.#hear(bytesOf(data));
    });
    socket.once('close', () => this.#end());
    this.#beating = setInterval(() => signs.beat(Date.now(), beatMs), beatMs).unref();
  }

  /** Whether it can be asked: neither closed, nor at its limit, nor about to be closed by the other end. */
  get isFree(): boolean {
    return this.socket.readyState === WebSocket.OPEN && !this.#isLeaving && this.#asked.size < wireLimits.underWay;
  }

  /**
   * Asks what can be written as JSON.
   * @param onLine gets each line of the answer as it comes; what it throws is what this fails with.
   * @returns undefined for a question too long for a wire.
   * @throws Error when the wire broke, or the answer was not whole in time: nobody knows then what became of the question.
   */
  ask(question: Omit<WireQuestion, 'ask'>, onLine: (line: unknown) => void, timeoutMs: number): Promise<Ended> | undefined {
    this.#last += 1;
    const ask = this.#last;
    const written = JSON.stringify({ ask, ...question });
    // A letter is three bytes of UTF-8 at most: what is far from the limit is not counted.
    if (written.length * 3 > wireLimits.questionBytes && Buffer.byteLength(written) > wireLimits.questionBytes) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<Ended>();
    this.#asked.set(ask, {
      onLine,
      whole: () => resolve({}),
      refused: (problem) => resolve({ refused: problem }),
      failed: reject,
      late: setTimeout(() => this.#giveUp(ask, timeoutMs), timeoutMs),
    });
    this.socket.send(written);
    return promise;
  }

  /** A replica that is silent is asked no more over this: what it says later is of no use. */
  #giveUp(ask: number, afterMs: number): void {
    this.#take(ask)?.failed(new Error(`no whole answer within ${afterMs} ms`));
    this.#isLeaving = true;
    this.onSilent();
    if (this.#asked.size === 0) this.socket.terminate();
  }

  #hear(bytes: Buffer): void {
    try {
      const answer = wireAnswerSchema.parse(JSON.parse(bytes.toString('utf8')));
      if ('isLeaving' in answer) this.#isLeaving = true;
      else if ('refused' in answer) this.#take(answer.ask)?.refused(answer.refused);
      else this.#hearLines(answer);
    } catch {
      // Nothing that comes behind it can be trusted to be an answer.
      this.socket.terminate();
    }
  }

  #hearLines({ ask, lines, isWhole }: { ask: number; lines: unknown[]; isWhole: boolean }): void {
    const asked = this.#asked.get(ask);
    try {
      for (const line of lines) asked?.onLine(line);
      if (isWhole) this.#take(ask)?.whole();
    } catch (error) {
      this.#take(ask)?.failed(error as Error);
    }
  }

  #take(ask: number): Asked | undefined {
    const asked = this.#asked.get(ask);
    clearTimeout(asked?.late);
    this.#asked.delete(ask);
    if (this.#isLeaving && this.#asked.size === 0) this.socket.close();
    return asked;
  }

  #end(): void {
    clearInterval(this.#beating);
    for (const ask of [...this.#asked.keys()]) this.#take(ask)?.failed(new Error('the wire broke'));
  }
}
