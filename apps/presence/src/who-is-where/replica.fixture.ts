/** The projection as replicas have it, on a schema of its own, and events for it. */
import { type AppId, type CallEvent, type SessionEvent, thisRelease } from '@communication-center/contracts';
import { Projection } from '@communication-center/event-log';
import type { TestSchema } from '@communication-center/testing';
import { PublishChanges } from '../publish-changes/publish-changes.js';
import { WhoIsWhereProjection } from './who-is-where.projection.js';

export const app = 'app' as AppId;
export const at = '2026-11-27T12:00:00.000Z';
export const trace = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

type Asked = Pick<TestSchema, 'query' | 'transaction'>;

/** As a service has it: what looks around has a connection of its own there. */
export const asPostgres = (database: Asked) => ({
  query: database.query.bind(database),
  transaction: database.transaction.bind(database),
  background: database,
});

/** @param onCommitted is told what the relay is told. */
export function replica(database: Asked, onCommitted: (rows: unknown[]) => void = () => undefined) {
  const relay = { committed: onCommitted };
  const publisher = new PublishChanges(asPostgres(database) as never, relay as never, { KEEP_CHANGES_PER_BUCKET: 20_000 }, () => undefined);
  const handler = new WhoIsWhereProjection(publisher, { letRest: () => undefined });
  const projection = new Projection(database as never, {
    name: 'who-is-where',
    topics: [],
    tables: [],
    apply: (batch) => handler.apply(batch as never),
  });
  return {
    publisher,
    projection,
    apply: (topic: string, events: object[]) => projection.applyLive({ topic, events: events as never, tombstones: [] }),
  };
}

/** The schema, noting each statement of a transaction, and each that is one by itself. */
export function noting(schema: TestSchema, statements: string[], alone: string[] = []): Asked {
  return {
    query: (text, values) => schema.query(text, values),
    transaction: (work) =>
      schema.transaction((tx) => {
        const query: TestSchema['query'] = (text, values) => {
          statements.push(text);
          return tx.query(text, values);
        };
        const ask: TestSchema['query'] = (text, values) => {
          alone.push(text);
          return tx.alone(text, values);
        };
        return work({ query, last: query, alone: ask });
      }),
  };
}

let made = 0;
export function newId(): string {
  made += 1;
  return `00000000-0000-7000-8000-${String(made).padStart(12, '0')}`;
}

export function callEvent(callid: string, sequence: number, type: string, data: object, traceparent = trace('1')): CallEvent {
  const envelope = { specversion: '1.0', id: newId(), source: '/calls', time: at, subject: callid, callid, appid: app, dataversion: 1 };
  return thisRelease.read('calls.events', { ...envelope, sequence, type, data, traceparent } as never) as CallEvent;
}

export const dialed = (callid: string, initiator: string, callee: string) =>
  callEvent(callid, 1, 'call.dialed', {
    audience: [initiator, callee],
    initiator,
    initiatorDevice: `${initiator}-desk`,
    callees: [callee],
    callType: 'audio_video',
    ringSeconds: 60,
    maxDurationSeconds: 14_400,
    maxParticipants: 8,
    customData: {},
  });
export const ringing = (callid: string, initiator: string, callee: string) =>
  callEvent(callid, 2, 'call.ringing', { audience: [initiator, callee], userAlias: callee, deviceId: 'phone' }, trace('2'));

export function sessionEvent(sessionId: string, sequence: number, type: string, userAlias: string, time = at): SessionEvent {
  const data = { sessionId, userAlias, deviceId: `${userAlias}-phone`, platform: 'web', openedAt: at };
  return {
    type,
    data,
    appid: app,
    sequence,
    time,
    subject: sessionId,
    id: newId(),
    traceparent: trace('3'),
  } as unknown as SessionEvent;
}
export const answered = (callid: string, sequence: number, audience: string[], userAlias: string) =>
  callEvent(callid, sequence, 'call.answered', { audience, userAlias, deviceId: `${userAlias}-phone` });
export const ended = (callid: string, sequence: number, audience: string[]) =>
  callEvent(callid, sequence, 'call.ended', { audience, reason: 'hung_up', talkSeconds: 0 });
