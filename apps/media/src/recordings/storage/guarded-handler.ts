import { Readable } from 'node:stream';
import { type HttpRequest, HttpResponse } from '@smithy/core/protocols';
import { Agent, type Dispatcher, request } from 'undici';

/** How long a server has to answer, and between two parts of a body, in milliseconds. */
const answerMs = 30_000;

/**
 * Carries what the AWS SDK asks over connections of one's own: those of a guard, where an app names the server. It follows no redirect.
 */
export class GuardedHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #agent: Dispatcher;

  /** @param connect makes the connections. @param patienceMs how long the server has to answer, and to take what is sent. */
  constructor(connect?: Agent.Options['connect'], patienceMs = answerMs) {
    this.#agent = new Agent({ ...(connect && { connect }), connections: 8, headersTimeout: patienceMs, bodyTimeout: patienceMs });
  }

  async handle(asked: HttpRequest, { abortSignal }: { abortSignal?: unknown } = {}): Promise<{ response: HttpResponse }> {
    const { protocol, hostname, port, path, query, method, headers, body } = asked;
    const url = new URL(`${protocol}//${hostname}${port ? `:${port}` : ''}`);
    const options = {
      method: method as Dispatcher.HttpMethod,
      // undici sets it by the address.
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !['host', 'expect'].includes(name.toLowerCase()))),
      body: body ?? null,
      dispatcher: this.#agent,
      ...(abortSignal instanceof AbortSignal && { signal: abortSignal }),
    };
    const answered = await request(url.origin + path + queryOf(query), options).catch((error: unknown) => Promise.reject(asKnown(error)));
    const { statusCode, headers: got, body: answer } = answered;
    const told = Object.entries(got).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    return { response: new HttpResponse({ statusCode, headers: Object.fromEntries(told), body: Readable.from(answer) }) };
  }

  destroy(): void {
    void this.#agent.close().catch(() => undefined);
  }
}

/** @returns the error by a code that the SDK knows, where a connection broke, as one that was kept and closed by the server: it tries again. */
function asKnown(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!code.startsWith('UND_ERR')) return error;
  return Object.assign(new Error(`The connection broke: ${code}`, { cause: error }), { code: 'ECONNRESET' });
}

type Query = HttpRequest['query'];

/** Encoded as the signature has it (RFC 3986). */
function queryOf(query: Query): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const parts = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === null || value === undefined ? [encode(name)] : [value].flat().map((one) => `${encode(name)}=${encode(one)}`),
  );
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}
