import { type Problem, problemSchema, type Subject } from '@communication-center/contracts';
import type { Asking, InternalEndpoint } from '@communication-center/contracts/internal';
import { InfrastructureError } from '@communication-center/event-log';
import { Agent, type Dispatcher, request } from 'undici';
import type { z } from 'zod';
import { placeOn } from './arrivals/request-target.js';
import type { Identity } from './identity.js';
import { linesOf } from './lines.js';
import { ProblemError } from './problem-error.js';
import type { Replicas } from './replicas.js';
import { continueTrace, currentTraceparent } from './trace.js';
import { Wires } from './wires/wires.js';

export interface ServiceRequest extends Patience {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, such as /v1/calls. */
  path: string;
  body?: unknown;
  /** For whom; this service itself when left out. */
  subject?: Subject;
}

/** How long an answer is waited for. */
export interface Patience {
  /** 5 seconds when left out. */
  timeoutMs?: number;
  /** Until when it is tried again, with growing and jittered pauses, while nobody answers or decides. Only for requests whose repeat changes nothing. */
  retryForMs?: number;
  /** Ends the trying again. A try that is under way goes on, so that what it brings about is known. */
  retryUntil?: AbortSignal;
}

const usualPatienceMs = 5000;

/** Calls one other service, whichever of its replicas answers, over HTTP keep-alive. */
export class ServiceClient {
  readonly #agent = new Agent({ connections: 64, pipelining: 1, keepAliveTimeout: 30_000, connect: { timeout: 2000 } });
  readonly #wires: ReadonlyMap<InternalEndpoint, Wires>;

  /** @param wired endpoints that are asked over wires, where the service has them. */
  constructor(
    private readonly identity: Identity,
    private readonly service: string,
    private readonly replicas: Replicas,
    wired: readonly (InternalEndpoint & { inLines: true })[] = [],
  ) {
    const wiresTo = ({ path }: InternalEndpoint) =>
      new Wires(
        path,
        () => this.#authorization({}),
        (url) => replicas.failed(url),
      );
    this.#wires = new Map(wired.map((endpoint) => [endpoint, wiresTo(endpoint)]));
  }

  /**
   * Asks an internal endpoint of the service.
   * @throws ProblemError as the service answered, or `service_unavailable` when it did not answer, or not what the contract says.
   */
  async ask<E extends InternalEndpoint>(endpoint: E, asking: Asking<E>, patience: Patience = {}): Promise<z.output<E['answer']>> {
    const answer = await this.send({ ...requestOf(endpoint, asking), ...patience });
    const { data, error } = endpoint.answer.safeParse(answer);
    if (error) throw new ProblemError('service_unavailable', undefined, { cause: error });
    return data as z.output<E['answer']>;
  }

  /**
   * Asks an internal endpoint that answers in lines, once.
   * @param onLine gets each as it comes.
   * @throws ProblemError as {@link ask}: as a whole it was refused, or broke off before, or between, its lines.
   */
  async askForLines<E extends InternalEndpoint & { inLines: true }>(
    endpoint: E,
    asking: Asking<E>,
    onLine: (line: z.output<E['answer']>) => void,
    { timeoutMs = usualPatienceMs }: Pick<Patience, 'timeoutMs'> = {},
  ): Promise<void> {
    const request = requestOf(endpoint, asking);
    const heard = (line: unknown) => onLine(endpoint.answer.parse(line) as z.output<E['answer']>);
    const wire = this.#wires.get(endpoint)?.to(await this.replicas.next());
    const question = { traceparent: continueTrace(currentTraceparent()), body: request.body };
    const overWire = wire?.ask(question, heard, timeoutMs);
    try {
      if (!overWire) return await this.#linesOverHttp({ ...request, timeoutMs }, heard);
      const { refused } = await overWire;
      if (refused) throw this.told(refused);
    } catch (error) {
      throw error instanceof ProblemError ? error : this.#unavailable('broke off', error);
    }
  }

  async #linesOverHttp(options: ServiceRequest, heard: (line: unknown) => void): Promise<void> {
    const response = await this.#begin(options, await this.#authorization(options));
    if (response.statusCode >= 400) throw this.#refused(response.statusCode, await response.body.text());
    for await (const line of linesOf(response.body)) heard(JSON.parse(line));
  }

  /** @returns what a problem comes to that the service told of a part of what it was asked. */
  told(problem: Problem): ProblemError {
    return this.#problemOf(problem) ?? this.#unavailable(`told of ${problem.code}`);
  }

  /**
   * @returns the parsed JSON body, or undefined from an empty one.
   * @throws ProblemError as the service answered, or `service_unavailable` when it did not answer, or could not decide.
   */
  async send<T>(options: ServiceRequest): Promise<T> {
    return untilDecided(() => this.#once<T>(options), options);
  }

  async #once<T>(options: ServiceRequest): Promise<T> {
    const answer = await this.#ask(options, await this.#authorization(options));
    if (answer.status < 400) return (answer.text ? JSON.parse(answer.text) : undefined) as T;
    throw this.#refused(answer.status, answer.text);
  }

  async #authorization({ subject }: Pick<ServiceRequest, 'subject'>): Promise<string> {
    return `Bearer ${await this.identity.sign(this.service, subject)}`;
  }

  async #ask(options: ServiceRequest, authorization: string): Promise<{ status: number; text: string }> {
    try {
      return await this.replicas.reach(async (url) => {
        const response = await this.#askAt(url, options, authorization);
        return { status: response.statusCode, text: await response.body.text() };
      });
    } catch (error) {
      throw this.#unavailable('did not answer', error);
    }
  }

  /** As {@link #ask}, when an answer has begun. */
  async #begin(options: ServiceRequest, authorization: string): Promise<Dispatcher.ResponseData> {
    try {
      return await this.replicas.reach((url) => this.#askAt(url, options, authorization));
    } catch (error) {
      throw this.#unavailable('did not answer', error);
    }
  }

  #askAt(
    url: string,
    { method, path, body, timeoutMs = usualPatienceMs }: ServiceRequest,
    authorization: string,
  ): Promise<Dispatcher.ResponseData> {
    return request(placeOn(url, path), {
      method,
      dispatcher: this.#agent,
      headers: {
        authorization,
        traceparent: continueTrace(currentTraceparent()),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
  }

  #unavailable(what: string, cause?: unknown): ProblemError {
    return new ProblemError('service_unavailable', undefined, {
      cause: new InfrastructureError(`The ${this.service} service ${what}`, { cause }),
    });
  }

  #refused(status: number, text: string): ProblemError {
    const problem = parseProblem(text);
    return (problem && this.#problemOf(problem)) ?? this.#unavailable(`answered ${status} ${text.slice(0, 200)}`);
  }

  /** @returns undefined where the service could not decide. */
  #problemOf({ code, detail, fields, callId, undecided }: Problem): ProblemError | undefined {
    return code === 'internal_error' || undecided ? undefined : new ProblemError(code, detail, { fields, callId });
  }
}

/**
 * Tries again, with growing and jittered pauses, what nobody answered or decided. A refusal is passed on as it is: who asked should
 * hear it now, and another try would hear the same.
 * @throws what the last try failed with.
 */
export async function untilDecided<T>(once: () => Promise<T>, { retryForMs = 0, retryUntil }: Patience): Promise<T> {
  const deadline = Date.now() + retryForMs;
  for (let wait = 50; ; wait = Math.min(wait * 2, 800)) {
    try {
      return await once();
    } catch (error) {
      const isPassing = error instanceof ProblemError && error.isUndecided;
      if (!isPassing || Date.now() + wait > deadline) throw error;
      await pause(wait * (0.5 + Math.random()), retryUntil);
      if (retryUntil?.aborted) throw error;
    }
  }
}

function requestOf<E extends InternalEndpoint>(endpoint: E, asking: Asking<E>): ServiceRequest {
  const { params, query, body } = asking as { params?: Record<string, string>; query?: Record<string, string>; body?: unknown };
  const path = endpoint.path.replace(/:(\w+)/g, (_, name: string) => asSegment(params?.[name]));
  const search = query ? `?${new URLSearchParams(query)}` : '';
  return { method: endpoint.method, path: `${path}${search}`, body };
}

/** @returns a value as one segment of a path. @throws ProblemError `invalid_request` for one that would lead to another path. */
function asSegment(value = ''): string {
  if (/^\.{0,2}$/.test(value)) throw new ProblemError('invalid_request', 'No path can name what is called nothing, "." or ".."');
  return encodeURIComponent(value);
}

async function pause(milliseconds: number, until: AbortSignal | undefined): Promise<void> {
  if (until?.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      until?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    until?.addEventListener('abort', end);
  });
}

function parseProblem(text: string): Problem | undefined {
  try {
    return problemSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
