import type { ServerResponse } from 'node:http';
import type { EventReaders, Wanted } from './event-readers.js';

/** What Nest gives of a response of Fastify. */
export interface Reply {
  hijack(): void;
  raw: ServerResponse;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
}

/**
 * Answers with what there is after a place; where there is nothing of it, once there is, or the time is up. The head of such an
 * answer goes before the waiting, so that nobody on the way takes the silence for a service that hangs.
 * @throws ProblemError before anything was answered.
 */
export async function answerPage(readers: EventReaders, wanted: Wanted, waitSeconds: number, reply: Reply): Promise<void> {
  const now = await readers.page(wanted);
  if (now.events.length > 0 || now.hasMore || waitSeconds === 0) {
    reply.header('cache-control', 'no-store');
    reply.send(now);
    return;
  }
  readers.requireRoom(wanted.appId);
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  reply.raw.flushHeaders();
  const page = await readers.pageSoon(wanted, waitSeconds * 1000, reply.raw);
  reply.raw.end(JSON.stringify(page));
}
