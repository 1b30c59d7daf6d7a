import type { Producer, RecordMetadata } from 'kafkajs';
import { toMessage } from '../log/event-headers.js';
import type { EventLog } from '../log/event-log.js';
import { laneName, messageId, type OutboxRow, type SentRow } from './lanes.js';

/** What came of a send: every row is in one of these, or was not sent and waits. */
export interface Outcome {
  sent: SentRow[];
  /** Rows that no broker will ever take, alone in a send of their own. */
  refused: { row: OutboxRow; reason: string }[];
  /** Why the rest waits. */
  failure?: unknown;
}

/** How a producer sends: that of kafkajs, or one that fails as a test wants it. */
export type SendBatch = Producer['sendBatch'];

/** MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE and INVALID_RECORD: sending the same again ends the same. */
const lastingErrors = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

/**
 * Sends rows of some lanes as one request, and as several where a broker says that it is too much: each lane alone, then
 * halves, down to one row. Stops at the first failure that may pass, so that nothing overtakes.
 */
export async function sendRows(send: SendBatch, rows: readonly OutboxRow[]): Promise<Outcome> {
  const outcome: Outcome = { sent: [], refused: [] };
  await sendInto(outcome, send, rows);
  return outcome;
}

/** @returns whether all of these rows are done with. */
async function sendInto(outcome: Outcome, send: SendBatch, rows: readonly OutboxRow[]): Promise<boolean> {
  const lanes = [...Map.groupBy(rows, laneName).values()];
  try {
    const answers = await send({ acks: -1, timeout: 5000, topicMessages: toTopicMessages(rows) });
    const unanswered = lanes.filter((lane) => answerFor(lane, answers) === undefined);
    outcome.sent.push(...lanes.flatMap((lane) => placed(lane, answers)));
    if (unanswered.length > 0) outcome.failure = new Error(`The brokers gave no offset for ${unanswered.map(nameOf).join(', ')}`);
    return unanswered.length === 0;
  } catch (error) {
    const reason = lastingReason(error);
    if (reason) return sendInParts(outcome, send, rows, reason);
    outcome.failure = error;
    return false;
  }
}

async function sendInParts(outcome: Outcome, send: SendBatch, rows: readonly OutboxRow[], reason: string): Promise<boolean> {
  const [first] = rows;
  if (first && rows.length === 1) {
    outcome.refused.push({ row: first, reason });
    return true;
  }
  const lanes = [...Map.groupBy(rows, laneName).values()];
  const parts = lanes.length > 1 ? lanes : [rows.slice(0, rows.length >> 1), rows.slice(rows.length >> 1)];
  for (const part of parts) if (!(await sendInto(outcome, send, part))) return false;
  return true;
}

const nameOf = (rows: readonly OutboxRow[]) => (rows[0] ? laneName(rows[0]) : '');

function toTopicMessages(rows: readonly OutboxRow[]) {
  const byTopic = Map.groupBy(rows, ({ topic }) => topic);
  return [...byTopic].map(([topic, ofTopic]) => ({
    topic,
    messages: ofTopic.map((row) => ({ ...toMessage(row.key, row.event, messageId(row)), partition: row.partition })),
  }));
}

/** Each partition that was asked for must have answered with where its rows begin; others were not sent, whatever the client says. */
function answerFor(lane: readonly OutboxRow[], answers: readonly RecordMetadata[]): bigint | undefined {
  const { topic, partition } = lane[0] as OutboxRow;
  const answer = answers.find((one) => one.topicName === topic && one.partition === partition);
  if (answer?.errorCode !== 0 || !/^\d+$/.test(answer.baseOffset ?? '')) return undefined;
  return BigInt(answer.baseOffset as string);
}

function placed(lane: readonly OutboxRow[], answers: readonly RecordMetadata[]): SentRow[] {
  const base = answerFor(lane, answers);
  return base === undefined ? [] : lane.map((row, index) => ({ ...row, offset: base + BigInt(index) }));
}

function lastingReason(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('type' in one && typeof one.type === 'string' && lastingErrors.has(one.type)) return one.type;
  }
  return undefined;
}

/**
 * A producer for each leader, so that one that hangs keeps nobody else waiting. One that failed, or that was made before a
 * partition moved, is not used again: it would ask the wrong broker, and a broker that hangs does not say so.
 */
export class LeaderProducers {
  readonly #made = new Map<number, { producer: Producer; generation: number }>();

  constructor(private readonly log: EventLog) {}

  /** @returns a connected producer for what this broker leads. @throws when no broker can be reached. */
  async for(leader: number, generation: number): Promise<Producer> {
    const known = this.#made.get(leader);
    if (known?.generation === generation) return known.producer;
    this.discard(leader);
    const producer = this.log.producer({ metadataMaxAgeMs: 300_000 });
    await producer.connect();
    this.#made.set(leader, { producer, generation });
    return producer;
  }

  discard(leader: number): void {
    const known = this.#made.get(leader);
    this.#made.delete(leader);
    known?.producer.disconnect().catch(() => undefined);
  }

  async stop(): Promise<void> {
    const made = [...this.#made.values()];
    this.#made.clear();
    await Promise.all(made.map(({ producer }) => producer.disconnect().catch(() => undefined)));
  }
}
