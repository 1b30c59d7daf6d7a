import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type Inquiry,
  type InternalEndpoint,
  type WireAnswer,
  type WireQuestion,
  wireLimits,
  wireQuestionSchema,
} from '@communication-center/contracts/internal';
import { callersOf } from '@communication-center/contracts/services';
import { type WebSocket, WebSocketServer } from 'ws';
import type { z } from 'zod';
import { bytesOf, readFrame } from '../arrivals/read-frame.js';
import type { Identity } from '../identity.js';
import { ProblemError, parseInput } from '../problem-error.js';
import { problemTold } from '../problem-filter.js';
import { SignsOfLife } from '../sockets/signs-of-life.js';
import { requireService } from '../subject.js';
import { continueTrace, withTrace } from '../trace.js';

const beatMs = 10_000;
/** Questions that are under way when it closes are answered still, for so long. */
const leaveMs = 5000;

type Log = Parameters<typeof problemTold>[1];
type LineOf<E extends InternalEndpoint> = z.input<E['answer']>;

export interface WireDoorOptions<E extends InternalEndpoint> {
  endpoint: E;
  identity: Pick<Identity, 'verify'>;
  logger: Log;
  /** Runs what answers a question, so that the service can tell it from other work. */
  around: <T>(work: () => T) => T;
  /** Answers a question, in lines: see `answerInLines`. Must not fail for a part of it. */
  serve: (inquiry: Inquiry<E>, tell: (line: LineOf<E> & object, isUrgent?: boolean) => void) => Promise<unknown>;
}

/**
 * Where other services keep a wire to an endpoint that answers in lines: a WebSocket, opened with an identity token as any internal
 * request. What is asked over it is parsed and answered as over HTTP, without the price of a request.
 */
export class WireDoor<E extends InternalEndpoint & { inLines: true }> {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: wireLimits.questionBytes, perMessageDeflate: false });
  readonly #underWay = new Set<Promise<void>>();
  #isLeaving = false;

  constructor(private readonly options: WireDoorOptions<E>) {}

  /** Takes the upgrades of a server. Others than to its endpoint are refused. */
  open(server: Pick<Server, 'on'>): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      this.#letIn(request).then(
        () => this.#server.handleUpgrade(request, socket, head, (wire) => this.#serve(wire)),
        (error) => refuse(socket, problemTold(error, this.options.logger).status),
      );
    });
  }

  /** Asks for no more, answers what is under way, and closes. */
  async close(): Promise<void> {
    this.#isLeaving = true;
    for (const wire of this.#server.clients) tell(wire, { isLeaving: true });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, leaveMs);
    });
    await Promise.race([Promise.all(this.#underWay), late]);
    clearTimeout(timer);
    const closed = [...this.#server.clients].map(async (wire) => {
      const gone = new Promise((resolve) => wire.once('close', resolve));
      new SignsOfLife(wire).close(1001, 'stopping');
      await gone;
    });
    await Promise.all(closed);
  }

  async #letIn({ url, headers }: IncomingMessage): Promise<void> {
    const { endpoint, identity } = this.options;
    if (url !== endpoint.path) throw new ProblemError('not_found', `There is a wire to ${endpoint.path} alone`);
    requireService(await identity.verify(headers.authorization), callersOf(endpoint));
    if (this.#isLeaving || this.#server.clients.size >= wireLimits.wires)
      throw new ProblemError('service_unavailable', 'No more wires are taken here');
  }

  #serve(wire: WebSocket): void {
    const signs = new SignsOfLife(wire);
    const beating = setInterval(() => signs.beat(Date.now(), beatMs), beatMs).unref();
    let underWay = 0;
    // A close follows every error.
    wire.on('error', () => undefined);
    wire.once('close', () => clearInterval(beating));
    wire.on('message', (data) => {
      signs.note();
      const { frame, problem } = readFrame(wireQuestionSchema, bytesOf(data));
      if (problem) return wire.close(1007, 'a question that cannot be read');
      if (underWay >= wireLimits.underWay)
        return tell(wire, { ask: frame.ask, refused: new ProblemError('rate_limited', 'Too much is asked over this wire').toProblem() });
      underWay += 1;
      const answered = this.#answer(wire, frame).finally(() => {
        underWay -= 1;
        this.#underWay.delete(answered);
      });
      this.#underWay.add(answered);
    });
  }

  async #answer(wire: WebSocket, { ask, traceparent, body }: WireQuestion): Promise<void> {
    const { endpoint, around, serve, logger } = this.options;
    const lines = new Lines((some, isWhole) => send(wire, `{"ask":${ask},"lines":[${some}],"isWhole":${isWhole}}`));
    await withTrace(continueTrace(traceparent), () =>
      around(async () => {
        try {
          const inquiry = { body: parseInput(endpoint.body as z.ZodType, body) } as Inquiry<E>;
          await serve(inquiry, (line, isUrgent) => lines.tell(line, isUrgent));
          lines.end();
        } catch (error) {
          tell(wire, { ask, refused: problemTold(error, logger) });
        }
      }),
    );
  }
}

/** Lines of one turn of the event loop go together, and the last with the end of the answer. */
class Lines {
  #held: string[] = [];
  #letters = 0;

  /** @param send gets lines, as JSON, and whether they end the answer. */
  constructor(private readonly send: (lines: string, isWhole: boolean) => void) {}

  tell(line: object, isUrgent = false): void {
    if (this.#held.length === 0 && !isUrgent) setImmediate(() => this.#flush());
    const written = JSON.stringify(line);
    this.#held.push(written);
    this.#letters += written.length;
    if (isUrgent || this.#letters > wireLimits.heldLetters) this.#flush();
  }

  end(): void {
    this.#send(true);
  }

  #flush(): void {
    if (this.#held.length > 0) this.#send(false);
  }

  #send(isWhole: boolean): void {
    this.#letters = 0;
    this.send(this.#held.splice(0).join(), isWhole);
  }
}

function send(wire: WebSocket, written: string): void {
  if (wire.readyState === wire.OPEN) wire.send(written);
}

const tell = (wire: WebSocket, answer: WireAnswer) => send(wire, JSON.stringify(answer));

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
}
