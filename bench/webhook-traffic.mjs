import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { brokerSettingsIn, brokersOf, EventLog, toMessage } from '@communication-center/event-log';
import { kafkaSettings } from '../tools/launcher/services.mjs';
import { percentile } from './price/report.mjs';

/*
 * The other two ends of a webhook, in a process of their own: it writes events of calls to the log, and takes what is delivered. A delivery
 * is timed from before its event is given to Kafka to when its request has come, by one clock.
 */
const begun = new Map();
let times = [];
let taken = 0;
let mute = () => undefined;

const server = createServer((request, response) => {
  const hangs = request.url.startsWith('/hang');
  request.resume().on('end', () => {
    if (hangs) return;
    response.writeHead(204).end();
    taken += 1;
    const from = begun.get(request.headers['webhook-id']);
    if (from !== undefined) times.push(performance.now() - from);
    mute();
  });
});
server.keepAliveTimeout = 60_000;

let producer;
const acts = { open, send, flood };

process.on('message', async ({ id, act, given }) => {
  try {
    process.send({ id, result: await acts[act](given) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));

/** @returns the port at which deliveries are taken: `/ok…` answers, `/hang…` never does. */
async function open({ servers }) {
  const log = new EventLog({ clientId: 'bench-webhooks', ...brokersOf(brokerSettingsIn(kafkaSettings(servers))) });
  producer = log.producer();
  await producer.connect();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

/** Sends one event after the other at a rate, to apps in turn, or what is as large to another topic. @returns how long deliveries to those that answer took, in milliseconds. */
async function send({ apps, rate, seconds, topic = 'calls.events' }) {
  times = [];
  taken = 0;
  const from = performance.now();
  const expected = { count: 0 };
  const sent = [];
  for (let number = 0; number < rate * seconds; number += 1) {
    const due = from + (number * 1000) / rate;
    const early = due - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    const app = apps[number % apps.length];
    if (app.answers) expected.count += 1;
    sent.push(producer.send({ topic, acks: -1, messages: [messageOf(app.appId, app.answers)] }));
  }
  await Promise.all(sent);
  await until(() => taken >= expected.count);
  return { deliveries: taken, p50: percentile(times, 50), p99: percentile(times, 99) };
}

/** Sends many events as fast as the brokers take them. @returns how many are delivered a second, from the first to the last. */
async function flood({ apps, count }) {
  times = [];
  taken = 0;
  const from = performance.now();
  for (let number = 0; number < count; number += 500)
    await producer.send({
      topic: 'calls.events',
      acks: -1,
      messages: Array.from({ length: 500 }, (_, n) => messageOf(apps[(number + n) % apps.length].appId, false)),
    });
  await until(() => taken >= count);
  return { deliveries: taken, perSecond: (taken * 1000) / (performance.now() - from) };
}

function until(isThere) {
  if (isThere()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${taken} deliveries came`)), 120_000);
    mute = () => {
      if (!isThere()) return;
      clearTimeout(timer);
      mute = () => undefined;
      resolve();
    };
  });
}

function messageOf(appid, isTimed) {
  const [id, callId] = [newId(), newId()];
  if (isTimed) begun.set(id, performance.now());
  const data = {
    callId,
    sequence: 1,
    audience: ['alice', 'bob'],
    initiator: 'alice',
    initiatorDevice: 'laptop',
    callees: ['bob'],
    callType: 'audio_video',
    ringSeconds: 60,
    maxParticipants: 8,
    maxDurationSeconds: 14_400,
    mediaSetupSeconds: 60,
  };
  const attributes = { specversion: '1.0', source: '/calls', type: 'call.dialed', dataversion: 1, datacontenttype: 'application/json' };
  return toMessage(callId, {
    ...attributes,
    id,
    time: new Date().toISOString(),
    subject: callId,
    callid: callId,
    appid,
    sequence: 1,
    data,
  });
}

/** A UUIDv7 (RFC 9562, §5.7). */
function newId() {
  const hex = Date.now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
