import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppId } from '@communication-center/contracts';
import type { Transaction } from '@communication-center/event-log';
import { addressSettings, KeyRing } from '@communication-center/service';
import type { TestSchema } from '@communication-center/testing';
import { z } from 'zod';
import { Sender } from '../deliver/sender.js';
import type { Message } from '../domain/message.js';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KnownCalls } from '../known-calls/known-calls.js';
import { Lanes } from './lanes.js';

/** What came, in its order. */
export interface Arrived {
  messageId: string;
  sequence: number;
  subject: string;
}

/** Receivers on one port, by path: each answers as it is told to. */
export class Receivers {
  readonly arrived = new Map<string, Arrived[]>();
  /** What a path answers: a status, or nothing at all; 204 where it is not told. */
  readonly answers = new Map<string, (arrived: Arrived) => number | 'nothing' | { status: number; headers: Record<string, string> }>();
  readonly #server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += String(chunk);
    });
    request.on('end', () => {
      const path = request.url ?? '';
      const { data } = JSON.parse(text) as { data: { sequence: number; callId?: string } };
      const one = { messageId: String(request.headers['webhook-id']), sequence: data.sequence, subject: data.callId ?? '' };
      const answer = this.answers.get(path)?.(one) ?? 204;
      if (answer === 'nothing') return;
      const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
      if (status < 300) this.arrived.set(path, [...(this.arrived.get(path) ?? []), one]);
      response.writeHead(status, headers).end();
    });
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  urlOf(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  of(path: string): readonly Arrived[] {
    return this.arrived.get(path) ?? [];
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

const settings = {
  ...z.object(addressSettings).parse({}),
  ALLOW_PRIVATE_ADDRESSES: true,
  SECRETS_KEY: new KeyRing([{ id: 'a', bytes: Buffer.alloc(32) }]),
  MAX_ENDPOINTS: 10_000,
  KEEP_MESSAGES_DAYS: 30,
  REQUEST_TIMEOUT_MS: 3000,
  RETRY_SCHEDULE_SECONDS: [0, 0.2, 0.2, 0.2],
  LANE_CONCURRENCY: 8,
  LANE_LENGTH: 200,
  REQUESTS_AT_ONCE: 1000,
  REPLAYS_PER_SECOND: 1000,
  DISABLE_AFTER_SECONDS: 432_000,
};

/** A replica's lanes on a schema, with all that they need. */
export interface Replica {
  lanes: Lanes;
  store: EndpointStore;
  /** As its services ask it. */
  database: object;
  statements: string[];
  faults: string[];
  /** Ends it as kill -9 does: nothing it asks for is done any more, and its locks go with its connection. */
  kill: () => Promise<void>;
}

export function startReplica(schema: TestSchema, changed: Partial<typeof settings> = {}): Replica {
  const [statements, faults]: [string[], string[]] = [[], []];
  let isDead = false;
  const connections: { end: () => Promise<void> }[] = [];
  const alive = () => {
    if (isDead) throw new Error('this process is dead');
  };
  const database = {
    schema: schema.schema,
    query: async (text: string, values?: unknown[]) => {
      alive();
      statements.push(text);
      const answer = await schema.query(text, values);
      return isDead ? new Promise(() => undefined) : answer;
    },
    transaction: async <T>(work: (tx: Transaction) => Promise<T>) => {
      alive();
      return schema.transaction(work as never) as Promise<T>;
    },
    connect: async () => {
      alive();
      const connection = await schema.connect();
      connections.push(connection);
      return connection;
    },
    of: () => database,
  };
  const all = { ...settings, ...changed };
  const store = new EndpointStore(database as never, all as never);
  const sender = new Sender(all as never, { info: () => undefined } as never);
  const calls = new KnownCalls(async (callId) => [{ type: 'call.dialed', subject: callId, data: {} }] as never);
  const lanes = new Lanes(database as never, store, sender, calls, all as never, (error, doing) => faults.push(`${doing}: ${error}`));
  lanes.onApplicationBootstrap();
  const kill = async () => {
    isDead = true;
    await Promise.all(connections.map((connection) => connection.end()));
    await sender.onApplicationShutdown();
  };
  return { lanes, store, database, statements, faults, kill };
}

let made = 0;

/** A message that nobody has told of before. */
export function newMessage(appId: AppId, subject: string, sequence: number): Message {
  made += 1;
  return {
    messageId: `${process.pid.toString(16).padStart(8, '0')}-0000-7000-8000-${String(made).padStart(12, '0')}`,
    appId,
    position: null,
    type: 'call.ended',
    subject,
    sequence,
    source: '/calls',
    dataversion: 1,
    occurredAt: new Date().toISOString(),
    data: {},
    traceparent: null,
  };
}
