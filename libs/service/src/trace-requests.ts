import { AsyncResource } from 'node:async_hooks';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { beginSpan } from './spans.js';
import { inNewTrace, withTrace } from './trace.js';

type Server = Pick<FastifyInstance, 'addHook'>;

const longestPath = 200;
/** Asked every few seconds by machines: nobody looks for these. */
const isProbe = (path: string) => path.startsWith('/health') || path === '/metrics';
const isRead = (method: string) => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

/**
 * Carries out one of several acts that came in one request, in the trace that it names, with a line of its own as a request has.
 * @param statusOf says how it went, as a status of HTTP.
 */
export function traceAct<T>(
  logger: Pick<Logger, 'info'>,
  { act, traceparent }: { act: string; traceparent?: string | undefined },
  work: () => Promise<T>,
  statusOf: (done: T) => number,
): Promise<T> {
  const span = beginSpan({ name: act, kind: 'server', parent: traceparent });
  return withTrace(span.traceparent, async () => {
    const began = performance.now();
    const done = await work();
    const status = statusOf(done);
    span.end({ 'http.response.status_code': status }, status >= 500);
    logger.info({ act, status, ms: Math.round(performance.now() - began) }, 'answered');
    return done;
  });
}

/**
 * Lets each request of a server go on with the trace it names, or begin one, and writes a line once it is answered: at `info`
 * what asked for a change or was refused, the rest at `debug`.
 * @param around runs what follows of a request, so that the service can tell it from other work.
 */
export function traceRequests(
  server: Server,
  logger: Pick<Logger, 'info' | 'debug'>,
  around: (request: FastifyRequest, next: () => void) => void = (_request, next) => next(),
): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { method, headers, raw } = request;
    // A query may hold what is for nobody to read.
    const path = (raw.url ?? '').split('?', 1)[0]?.slice(0, longestPath) ?? '';
    const route = request.routeOptions.url ?? 'nothing';
    const facts = { 'http.request.method': method, 'http.route': route, 'url.path': path };
    if (isProbe(path)) return inNewTrace(() => around(request, done));
    const span = beginSpan({ name: `${method} ${route}`, kind: 'server', parent: headers.traceparent, facts });
    withTrace(span.traceparent, () => {
      const began = performance.now();
      const answered = () => {
        const { statusCode: status } = reply.raw;
        span.end({ 'http.response.status_code': status }, status >= 500);
        const isQuiet = status < 400 && (isRead(method) || path.startsWith('/internal/'));
        const line = { method, path, status, ms: Math.round(performance.now() - began) };
        logger[isQuiet ? 'debug' : 'info'](line, reply.raw.writableFinished ? 'answered' : 'broken off before it was answered');
      };
      // Sockets outlive requests: without this the line would belong to whatever came first on its connection.
      reply.raw.once('close', AsyncResource.bind(answered));
      around(request, done);
    });
  });
}
