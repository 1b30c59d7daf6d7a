import { brokerSettingsIn, brokersOf, EventLog } from '@communication-center/event-log';
import pg from 'pg';
import { WebSocket, WebSocketServer } from 'ws';
import { kafkaSettings } from '../../tools/launcher/services.mjs';

/*
 * What the way of an event takes at least on this machine and these servers, bare, in a process of its own:
 *
 *   one hop    a commit in PostgreSQL → kafkajs sends, acks=all → a kafkajs consumer → a WebSocket
 *   two hops   the same, with a commit of the consumer and a second topic between
 *
 * No rules, no schema, no second process to wake: nothing that does as much can be faster.
 */
const topics = { first: 'bench.floor-first', second: 'bench.floor-second', only: 'bench.floor-only' };
/** So many are made first, and not measured. */
const cold = 50;
const payload = 'x'.repeat(600);

process.on('message', async ({ id, act, given }) => {
  try {
    process.send({ id, result: await { measure }[act](given) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));

/**
 * @param {{servers: {database: string, brokers: string}, count: number, rate: number}} given how many of each, and how many a second.
 * @returns the times of one hop and of two, in milliseconds.
 */
async function measure({ servers, count, rate }) {
  const log = new EventLog({ clientId: 'bench-floor', ...brokersOf(brokerSettingsIn(kafkaSettings(servers))) });
  await log.createIfMissing(Object.values(topics).map((topic) => ({ topic, numPartitions: 1 })));
  const producer = log.producer();
  await producer.connect();
  const sql = await commits(servers.database);
  const socket = await openSocket();
  const send = (topic, number) =>
    producer.send({ topic, acks: -1, messages: [{ key: String(number), value: JSON.stringify({ number, payload }) }] });
  const consumers = [
    await consume(log, [topics.only, topics.second], ({ number }) => socket.tell(number)),
    await consume(log, [topics.first], async ({ number }) => {
      await sql.second.commit(number);
      await send(topics.second, number);
    }),
  ];
  let last = 0;
  const time = async (topic) => {
    const number = ++last;
    const from = performance.now();
    const told = socket.hears(number);
    await sql.first.commit(number);
    await send(topic, number);
    await told;
    const took = performance.now() - from;
    await sleep(Math.max(0, 1000 / rate - took));
    return took;
  };
  const result = { oneHop: [], twoHops: [] };
  // In turn, so that both are measured on the same machine in the same mood; the first ones find everything cold.
  for (let number = -cold; number < count; number += 1) {
    const [one, two] = [await time(topics.only), await time(topics.first)];
    if (number >= 0) {
      result.oneHop.push(one);
      result.twoHops.push(two);
    }
  }
  await Promise.all(consumers.map((consumer) => consumer.disconnect()));
  await producer.disconnect();
  await sql.close();
  socket.close();
  return result;
}

/** Two connections that commit one row at a time. */
async function commits(connectionString) {
  const first = new pg.Client({ connectionString });
  const second = new pg.Client({ connectionString });
  await Promise.all([first.connect(), second.connect()]);
  await first.query('CREATE TABLE IF NOT EXISTS public.bench_floor (number integer, payload text)');
  const commit = (client) => (number) =>
    client.query({ name: 'floor', text: 'INSERT INTO public.bench_floor VALUES ($1, $2)', values: [number, payload] });
  return {
    first: { commit: commit(first) },
    second: { commit: commit(second) },
    async close() {
      await first.query('DROP TABLE public.bench_floor');
      await Promise.all([first.end(), second.end()]);
    },
  };
}

/** Resolves when the group has its partitions. */
async function consume(log, wanted, handle) {
  const consumer = log.kafka.consumer({ groupId: `bench-floor-${wanted[0]}`, maxWaitTimeInMs: 1000 });
  await consumer.connect();
  await consumer.subscribe({ topics: wanted, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({
    autoCommitInterval: 1000,
    eachBatch: async ({ batch, resolveOffset }) => {
      for (const { offset, value } of batch.messages) {
        await handle(JSON.parse(value.toString()));
        resolveOffset(offset);
      }
    },
  });
  await joined;
  return consumer;
}

/** A socket to this very process, over the loopback. */
async function openSocket() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await new Promise((resolve) => server.once('listening', resolve));
  const accepted = new Promise((resolve) => server.once('connection', resolve));
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
  const door = await accepted;
  const waiting = new Map();
  client.on('message', (data) => waiting.get(JSON.parse(data.toString()).number)?.());
  return {
    tell: (number) => door.send(JSON.stringify({ number, payload })),
    hears: (number) => new Promise((resolve) => waiting.set(number, resolve)),
    close() {
      client.terminate();
      server.close();
    },
  };
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
