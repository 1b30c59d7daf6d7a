import { createRequire } from 'node:module';
import { brokerSettingsIn, brokersOf, EventLog } from '@communication-center/event-log';
import pg from 'pg';
import { kafkaSettings } from '../../tools/launcher/services.mjs';

/*
 * What a delivery takes at least on this machine and these servers, bare, in a process of its own: a kafkajs consumer → a statement that
 * commits the message, one for all that a fetch brought → a POST by undici, over connections that are kept → a statement for the attempts
 * of the last 25 ms. No rules, no order, no signature, no retries, no log lines.
 */
const attemptsMs = 25;
/** The one that webhooks sends with. */
const { Agent, request } = createRequire(new URL('../../apps/webhooks/package.json', import.meta.url))('undici');

process.on('message', async ({ id, act, given }) => {
  try {
    process.send({ id, result: await { follow }[act](given) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));

/** Resolves when what comes in a topic is posted to a URL from now on. */
async function follow({ servers, url, topic }) {
  const log = new EventLog({ clientId: 'bench-webhooks-floor', ...brokersOf(brokerSettingsIn(kafkaSettings(servers))) });
  // As many partitions as the topic of calls has.
  await log.createIfMissing([{ topic: topic, numPartitions: 12 }]);
  const [messages, attempts] = [1, 2].map(() => new pg.Client({ connectionString: servers.database }));
  // The fleet ends its database while this still runs.
  for (const client of [messages, attempts]) client.on('error', () => undefined);
  await Promise.all([messages.connect(), attempts.connect()]);
  await messages.query('CREATE TABLE IF NOT EXISTS public.bench_webhooks_floor (id text, body text)');
  const write = (client, rows) =>
    client.query({
      name: 'floor',
      text: 'INSERT INTO public.bench_webhooks_floor SELECT * FROM unnest($1::text[], $2::text[])',
      values: rows,
    });
  const dispatcher = new Agent({ connections: null, keepAliveTimeout: 30_000 });
  let made;
  const note = (id, status) => {
    if (!made) {
      made = [[], []];
      setTimeout(() => {
        const rows = made;
        made = undefined;
        void write(attempts, rows);
      }, attemptsMs);
    }
    made[0].push(id);
    made[1].push(String(status));
  };
  const post = async (id, body) => {
    const headers = { 'content-type': 'application/json', 'webhook-id': id };
    const response = await request(url, { method: 'POST', dispatcher, headers, body });
    await response.body.dump();
    note(id, response.statusCode);
  };
  const consumer = log.kafka.consumer({ groupId: 'bench-webhooks-floor', maxWaitTimeInMs: 1000 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({
    autoCommitInterval: 1000,
    partitionsConsumedConcurrently: 12,
    eachBatch: async ({ batch, resolveOffset }) => {
      const ids = batch.messages.map(({ headers }) => String(headers.ce_id));
      const bodies = batch.messages.map(({ value }) => JSON.stringify({ data: JSON.parse(value.toString()) }));
      await write(messages, [ids, bodies]);
      ids.forEach((id, index) => void post(id, bodies[index]));
      resolveOffset(batch.lastOffset());
    },
  });
  await joined;
}
