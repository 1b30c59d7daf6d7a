import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { type Message, type PlacedMessage } from '../domain/message.js';
import { laneOf } from './lane-of.js';

/** Messages of one app that have just got their places. */
export interface Placed {
  appId: AppId;
  /** The last place of the app before them. */
  before: number;
  /** In the order of their places. */
  messages: PlacedMessage[];
}

interface PlacedRow {
  message_id: string;
  place: number;
  before: number;
  message: Message | null;
}

/**
 * Keeps messages, in one commit: those of owned lanes get their places, and with them what others have put into the inbox for
 * these lanes; the rest goes into the inbox. What is there already is left alone.
 * @param lanes that this replica owns. @returns what got places, an app at a time.
 */
export async function writeMessages(sql: Sql, lanes: readonly number[], told: readonly Message[]): Promise<Placed[]> {
  const [mine, others] = [
    told.filter(({ appId }) => lanes.includes(laneOf(appId))),
    told.filter(({ appId }) => !lanes.includes(laneOf(appId))),
  ];
  if (others.length > 0) await sql.query('SELECT put_into_inbox($1)', [JSON.stringify(others.map(inLane))]);
  return mine.length > 0 ? placeMessages(sql, lanes, mine) : [];
}

/** Gives places to what is in the inbox for these lanes, up to 1,000 of it, and to what is told after it. */
export async function placeMessages(sql: Sql, lanes: readonly number[], told: readonly Message[] = []): Promise<Placed[]> {
  const list = told.length > 0 ? JSON.stringify(told.map(inLane)) : null;
  const { rows } = await sql.query<PlacedRow>('SELECT * FROM place_messages($1, $2)', [lanes, list]);
  const byId = new Map(told.map((message) => [message.messageId, message]));
  const placed = rows.flatMap(({ message_id, place, before, message }) => {
    const known = message ?? byId.get(message_id);
    return known ? [{ before, message: { ...known, position: place } }] : [];
  });
  return [...Map.groupBy(placed, ({ before, message }) => `${before} ${message.appId}`).values()]
    .map((group) => ({
      appId: (group[0] as (typeof group)[0]).message.appId,
      before: (group[0] as (typeof group)[0]).before,
      messages: group.map(({ message }) => message).sort((one, other) => one.position - other.position),
    }))
    .sort((one, other) => one.before - other.before);
}

const inLane = (message: Message) => ({ ...message, lane: laneOf(message.appId) });

/** Which of an app's messages somebody wants to read; all when left out. */
export type MessageFilter = (message: PlacedMessage) => boolean;

/**
 * Reads an app's log on from a place: every message that will ever be before the last one that is returned is among them.
 * @param after the place of the last message that was read. @param limit how many are read at most, wanted or not.
 * @returns the wanted ones in their order, and up to where was read; `isAll` where there was nothing more then.
 */
export async function readFrom(
  sql: Sql,
  appId: AppId,
  after: number,
  limit: number,
  filter: MessageFilter = () => true,
): Promise<{ messages: PlacedMessage[]; upTo: number; isAll: boolean }> {
  const { rows } = await sql.query<Omit<PlacedMessage, 'occurredAt'> & { occurredAt: Date }>('SELECT * FROM read_messages($1, $2, $3)', [
    appId,
    after,
    limit,
  ]);
  const read = rows.map((row): PlacedMessage => ({ ...row, occurredAt: row.occurredAt.toISOString() }));
  return { messages: read.filter(filter), upTo: read.at(-1)?.position ?? after, isAll: read.length < limit };
}
