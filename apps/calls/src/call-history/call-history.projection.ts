import { type CallEvent, type CallRecord, callPartSchema, callStateSchema, ownDeviceOf } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { foldRecord } from '../domain/parts.js';
import { pruneErased } from '../forget-calls/erased-calls.js';
import { pruneHistory } from '../forget-calls/finished-calls.js';

/** Answers "which calls were there, and how did they go for whom?" from what the log told. */
@Controller()
export class CallHistoryProjection {
  @ProjectEvents('call-history', {
    topics: ['calls.events'],
    pace: 'steady',
    tables: ['call_history', 'call_parts'],
    sequences: 'SELECT call_id AS key, sequence FROM call_history WHERE call_id = ANY($1)',
    prune: [pruneHistory, ...pruneErased],
  })
  async apply({ events, tx }: ProjectionBatch<'calls.events'>): Promise<void> {
    const byCall = Map.groupBy(events, (event) => event.callid);
    const before = await historyOf(tx, [...byCall.keys()]);
    const changes = [...byCall].flatMap(([callId, told]) => changeOf(before.get(callId), told));
    await save(tx, changes);
    await answerWith(
      tx,
      changes.flatMap(({ was, is }) =>
        [...is].filter(([name, { device }]) => was.get(name)?.device !== device).map(([, question]) => question),
      ),
    );
    await answerNoMoreWith(
      tx,
      changes.flatMap(({ was, is }) => [...was].filter(([name]) => !is.has(name)).map(([, question]) => question)),
    );
  }
}

/** A record that events have changed, and the questions it was and is an answer to. */
interface Change {
  appId: string;
  record: CallRecord;
  was: Map<string, Question>;
  is: Map<string, Question>;
}

function changeOf(before: CallRecord | undefined, told: readonly CallEvent[]): Change[] {
  const record = told.reduce<CallRecord | undefined>(foldRecord, before);
  const appId = told[0]?.appid;
  if (!record || !appId || record.sequence === before?.sequence) return [];
  return [{ appId, record, was: questionsOf(appId, before), is: questionsOf(appId, record) }];
}

interface HistoryRow {
  call: unknown;
  parts: unknown[];
}

/** @returns a row of the history as the record it keeps. */
export function toRecord({ call, parts }: HistoryRow): CallRecord {
  return { ...callStateSchema.parse(call), parts: parts.map((part) => callPartSchema.parse(part)) };
}

async function historyOf(tx: Sql, callIds: string[]): Promise<Map<string, CallRecord>> {
  const { rows } = await tx.query<HistoryRow>('SELECT call, parts FROM call_history WHERE call_id = ANY($1) FOR UPDATE', [callIds]);
  return new Map(rows.map(toRecord).map((record) => [record.callId, record]));
}

async function save(tx: Sql, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(
    `INSERT INTO call_history (call_id, app_id, sequence, status, participants, dialed_at, call, parts)
     SELECT * FROM json_to_recordset($1::json) AS changed(call_id uuid, app_id text, sequence int, status text, participants text[],
       dialed_at timestamptz, call jsonb, parts jsonb)
     ON CONFLICT (call_id) DO UPDATE
     SET sequence = excluded.sequence, status = excluded.status, participants = excluded.participants, call = excluded.call, parts = excluded.parts`,
    [JSON.stringify(changes.map(rowOf))],
  );
}

function rowOf({ appId, record: { parts, ...call } }: Change): object {
  return {
    call_id: call.callId,
    app_id: appId,
    sequence: call.sequence,
    status: call.status,
    participants: call.participants.map(({ userAlias }) => userAlias),
    dialed_at: call.dialedAt,
    call,
    parts,
  };
}

/** A question that a call is an answer to: whose calls, with which outcome; empty for everybody's, and for any. */
interface Question {
  appId: string;
  userAlias: string;
  outcome: string;
  dialedAt: string;
  callId: string;
  /** The one device that tells the outcome so; null when all of the user's do. */
  device: string | null;
}

function questionsOf(appId: string, record: CallRecord | undefined): Map<string, Question> {
  if (!record) return new Map();
  const { parts, dialedAt, callId } = record;
  const of = (userAlias: string, outcome: string, device: string | null = null): [string, Question] => [
    `${outcome} ${userAlias}`,
    { appId, userAlias, outcome, dialedAt, callId, device },
  ];
  const asked = parts.flatMap((part) => {
    const { userAlias, outcome } = part;
    return [of(userAlias, ''), ...(outcome ? [of(userAlias, outcome, ownDeviceOf(part)), of('', outcome)] : [])];
  });
  return new Map(asked);
}

async function answerWith(tx: Sql, questions: readonly Question[]): Promise<void> {
  if (questions.length === 0) return;
  await tx.query(
    `INSERT INTO call_parts (app_id, user_alias, outcome, dialed_at, call_id, device_id)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::uuid[], $6::text[])
     ON CONFLICT (app_id, user_alias, outcome, dialed_at, call_id) DO UPDATE SET device_id = excluded.device_id`,
    [...keysOf(questions), questions.map(({ device }) => device)],
  );
}

async function answerNoMoreWith(tx: Sql, questions: readonly Question[]): Promise<void> {
  if (questions.length === 0) return;
  await tx.query(
    `DELETE FROM call_parts AS p USING unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::uuid[])
       AS over(app_id, user_alias, outcome, dialed_at, call_id)
     WHERE p.app_id = over.app_id AND p.user_alias = over.user_alias AND p.outcome = over.outcome AND p.dialed_at = over.dialed_at
       AND p.call_id = over.call_id`,
    keysOf(questions),
  );
}

function keysOf(questions: readonly Question[]): string[][] {
  const columns = ['appId', 'userAlias', 'outcome', 'dialedAt', 'callId'] as const;
  return columns.map((column) => questions.map((question) => question[column]));
}
