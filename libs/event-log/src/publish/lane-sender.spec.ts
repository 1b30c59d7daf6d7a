/** What a send came to is what the brokers answered, partition by partition, and no single row keeps the others back. */
import type { AnyEvent } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { type SendBatch, sendRows } from './lane-sender.js';
import type { OutboxRow } from './lanes.js';

const row = (id: number, partition: number): OutboxRow => ({
  id: String(id),
  topic: 'topic',
  partition,
  key: `key-${partition}`,
  event: { id: `event-${id}`, data: {} } as unknown as AnyEvent,
});
const rows = [row(1, 0), row(2, 0), row(3, 1), row(4, 2), row(5, 2), row(6, 2), row(7, 2)];

const tooLarge = () => Object.assign(new Error('The request included a message larger than allowed'), { type: 'MESSAGE_TOO_LARGE' });

/** A broker that answers each partition with offset 100, and does `before` first. */
function broker(before: (ids: string[]) => void = () => undefined): { send: SendBatch; sends: string[][] } {
  const sends: string[][] = [];
  const send: SendBatch = async ({ topicMessages = [] }) => {
    const messages = topicMessages.flatMap((one) => one.messages);
    const ids = messages.map(({ headers }) => String(headers?.ce_id));
    sends.push(ids);
    before(ids);
    return [...new Set(messages.map(({ partition }) => partition as number))].map((partition) => ({
      topicName: 'topic',
      partition,
      errorCode: 0,
      baseOffset: '100',
    }));
  };
  return { send, sends };
}

test('each row lies behind the one before it, from where its partition said', async () => {
  const { sent, refused, failure } = await sendRows(broker().send, rows);
  expect(sent.map(({ id, offset }) => `${id}@${offset}`)).toEqual(['1@100', '2@101', '3@100', '4@100', '5@101', '6@102', '7@103']);
  expect([refused, failure]).toEqual([[], undefined]);
});

test.each([
  ['says nothing of a partition', (answers: object[]) => answers.slice(1)],
  ['answers a partition with an error', ([first, ...rest]: object[]) => [{ ...first, errorCode: 6 }, ...rest]],
  ['gives no offset', ([first, ...rest]: object[]) => [{ ...first, baseOffset: undefined }, ...rest]],
  ['gives an offset that is none', ([first, ...rest]: object[]) => [{ ...first, baseOffset: '-1' }, ...rest]],
])('a row is not sent where the client resolves and %s', async (_what, change) => {
  const { send } = broker();
  const { sent, failure } = await sendRows(async (batch) => change(await send(batch)) as never, rows);
  expect(sent.map(({ id }) => id)).toEqual(['3', '4', '5', '6', '7']);
  expect(String(failure)).toContain('topic/0');
});

test('the one row that is too large is found, and all others are sent in the order of their partitions', async () => {
  const { send } = broker((ids) => {
    if (ids.includes('event-5')) throw tooLarge();
  });
  const { sent, refused, failure } = await sendRows(send, rows);
  expect(sent.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '6', '7']);
  expect(refused.map(({ row: { id }, reason }) => `${id} ${reason}`)).toEqual(['5 MESSAGE_TOO_LARGE']);
  expect(failure).toBeUndefined();
});

test('a failure that may pass stops the rest, so that nothing overtakes what failed', async () => {
  let sends = 0;
  const { send } = broker((ids) => {
    sends += 1;
    if (ids.length > 2) throw tooLarge();
    if (ids.includes('event-4')) throw new Error('Closed connection');
  });
  const { sent, failure } = await sendRows(send, rows);
  expect(sent.map(({ id }) => id)).toEqual(['1', '2', '3']);
  expect(String(failure)).toContain('Closed connection');
  // All; three partitions; the first half of the last one.
  expect(sends).toBe(5);
});
