import { brokerSettingsIn, brokersOf, EventLog, toMessage } from '@communication-center/event-log';
import { kafkaSettings } from '../../tools/launcher/services.mjs';
import { overSockets, Phone } from '../price/phone.mjs';
import { serveActs } from '../price/serve-acts.mjs';
import { nowMs } from './clock.mjs';
import { newId } from './ids.mjs';

/*
 * Who dials, in a process of its own: real phones, for how long a ring and a push take, and events written to the log itself, for how many
 * pushes there can be. Of a call one callee has a socket open and the other has none, so that both are timed by the same dial.
 */
const trios = [];
let producer;

serveActs({ open, connect, dial, flood });

async function open({ servers }) {
  const log = new EventLog({ clientId: 'bench-notifications', ...brokersOf(brokerSettingsIn(kafkaSettings(servers))) });
  producer = log.producer();
  await producer.connect();
}

/** Opens the phones of callers, and of the callees that are there. @param people `caller`, `here` and `away` of each trio. */
async function connect({ url, appId, tokens, people }) {
  const phone = (userAlias) => Phone.open(url, { appId, userAlias, token: tokens[userAlias], deviceId: 'd' });
  for (const { caller, here, away } of people) trios.push({ caller: await phone(caller), here: await phone(here), away });
}

/**
 * Dials at a rate, each call for so long as a push may take, and ends it.
 * @returns of each call its id, when it was dialed, and when the callee with a socket heard of it, in milliseconds.
 */
async function dial({ rate, seconds, lastsMs }) {
  const times = [];
  const from = nowMs();
  const free = [...trios];
  const underWay = [];
  for (let number = 0; number < rate * seconds; number += 1) {
    const early = from + (number * 1000) / rate - nowMs();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    const trio = free.shift();
    if (!trio) throw new Error('all trios are in a call');
    underWay.push(
      oneCall(trio, lastsMs)
        .then((one) => times.push(one))
        .finally(() => free.push(trio)),
    );
  }
  await Promise.all(underWay);
  return times;
}

async function oneCall({ caller, here, away }, lastsMs) {
  const dialed = nowMs();
  const heard = here.hears('call.dialed').then((event) => ({ callId: event.callid, rang: nowMs() }));
  await overSockets.dial(caller, [here.alias, away]);
  const { callId, rang } = await heard;
  await new Promise((resolve) => setTimeout(resolve, lastsMs));
  await overSockets.act(caller, 'hang_up', callId);
  return { callId, dialed, rang };
}

/**
 * Writes calls to the log as fast as the brokers take them: what came before their last event as well, since whoever keeps histories
 * would stand still at a call that ends before it began.
 * @param type of the last event: `call.dialed` or `call.missed`.
 * @returns when each was given to the brokers.
 */
async function flood({ appId, type, users, count }) {
  const given = [];
  for (let number = 0; number < count; number += 500) {
    const some = Array.from({ length: Math.min(500, count - number) }, (_, n) => callOf(appId, type, users[(number + n) % users.length]));
    const at = nowMs();
    given.push(...some.map(({ callId }) => ({ callId, at })));
    await producer.send({ topic: 'calls.events', acks: -1, messages: some.flatMap(({ messages }) => messages) });
  }
  return given;
}

function callOf(appid, type, userAlias) {
  const callId = newId();
  const attributes = { specversion: '1.0', source: '/calls', dataversion: 1, datacontenttype: 'application/json' };
  const about = { time: new Date().toISOString(), subject: callId, callid: callId, appid };
  const dialed = {
    ...{ initiator: 'caller', initiatorDevice: 'laptop', callees: [userAlias], callType: 'audio_video', ringSeconds: 60 },
    ...{ maxParticipants: 8, maxDurationSeconds: 14_400, mediaSetupSeconds: 60 },
  };
  const missed = [
    ['call.missed', { userAlias, initiator: 'caller', reason: 'no_answer' }],
    ['call.ended', { reason: 'no_answer', talkSeconds: 0 }],
  ];
  const events = [['call.dialed', dialed], ...(type === 'call.missed' ? missed : [])];
  const messages = events.map(([said, data], index) => {
    const place = { callId, sequence: index + 1, audience: ['caller', userAlias] };
    return toMessage(callId, { ...attributes, ...about, id: newId(), type: said, sequence: index + 1, data: { ...place, ...data } });
  });
  return { callId, messages };
}
