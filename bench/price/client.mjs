import { inTime, overRest, overSockets, Phone } from './phone.mjs';
import { PresenceTimes, setClock } from './presence-times.mjs';

/*
 * The load, in a process of its own: bench/calls.mjs forks it, tells it what to do, and reads what it cost from outside.
 *
 * A complete call: dial → the callee hears → his ringing is confirmed → answer → both told → the caller hangs up → both told.
 */
const pairs = [];
const presence = new PresenceTimes();
const watchers = [];
const crowd = [];
let url;
let ways;
let samples = {};
let finished = 0;
let refused = new Map();
let skipped = 0;
let going;

const acts = { connect, start, mark, take, stop, gather, disperse };

process.on('message', async ({ id, act, given }) => {
  try {
    process.send({ id, result: await acts[act](given) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));

/** Connects the phones of each pair, at gateways in turn, and for each app one that watches everybody. */
async function connect({ urls, apps }) {
  [url] = urls;
  let turn = 0;
  setClock();
  const keys = new Map();
  for (const app of apps) {
    const open = (userAlias, onPresence) =>
      Phone.open(urls[turn++ % urls.length], { appId: app.appId, userAlias, token: app.tokens[userAlias], deviceId: 'd', onPresence });
    for (const [callerAlias, calleeAlias] of app.pairs) {
      const [caller, callee] = await Promise.all([open(callerAlias), open(calleeAlias)]);
      for (const phone of [caller, callee]) keys.set(phone, app.key);
      pairs.push({ caller, callee });
    }
    const watcher = await open(app.watcher, (one) => presence.arrived(app.appId, one));
    const watched = app.pairs.flat();
    for (let at = 0; at < watched.length; at += 100) await watcher.ask({ type: 'watch', userAliases: watched.slice(at, at + 100) });
    watchers.push(watcher);
  }
  ways = { sockets: overSockets, rest: overRest(url, (phone) => keys.get(phone)) };
}

/** Begins a load: so many calls a second, whatever becomes of them, or without a rate each pair the next call after its last. */
function start({ rate, over = 'sockets' }) {
  let isOn = true;
  const underWay = new Set();
  const free = [...pairs];
  const call = async (pair) => {
    const one = oneCall(pair, ways[over]).finally(() => underWay.delete(one));
    underWay.add(one);
    await one;
  };
  const closed = () =>
    Promise.all(
      pairs.map(async (pair) => {
        while (isOn) await call(pair);
      }),
    );
  const open = async () => {
    const from = performance.now();
    for (let number = 0; isOn; number += 1) {
      const wait = from + (number * 1000) / rate - performance.now();
      if (wait > 0) await sleep(wait);
      const pair = free.shift();
      if (pair) void call(pair).then(() => free.push(pair));
      else skipped += 1;
    }
  };
  const work = rate ? open() : closed();
  going = async () => {
    isOn = false;
    await work;
    await Promise.all(underWay);
  };
}

/** Forgets what was measured so far. */
function mark() {
  setClock();
  samples = {};
  finished = 0;
  refused = new Map();
  skipped = 0;
  presence.take();
}

/** @returns what was measured since the last mark: times in milliseconds, and of changes of presence when they arrived. */
function take() {
  return { finished, skipped, refused: Object.fromEntries(refused), samples, presence: presence.take() };
}

/** Ends the load and waits until the calls under way are over. */
async function stop() {
  await going?.();
  going = undefined;
}

async function oneCall(pair, way) {
  try {
    await inTime(completeCall(pair, way), 'a call');
    finished += 1;
  } catch (error) {
    refused.set(error.message, (refused.get(error.message) ?? 0) + 1);
    for (const phone of [pair.caller, pair.callee]) phone.forget();
    // Nobody asks at once again for what was just refused.
    await sleep(500 + Math.random() * 500);
  }
}

async function completeCall({ caller, callee }, way) {
  const dialed = stopwatch();
  const heard = callee.hears('call.dialed').then((event) => {
    dialed('dial to ring');
    return event.callid;
  });
  const reply = way.dial(caller, [callee.alias]).then(() => dialed('dial reply'));
  const [callId] = await Promise.all([heard, reply]);
  const isToldOfRinging = caller.hears('call.ringing', callId);
  await Promise.all([way.act(callee, 'ringing', callId), isToldOfRinging]);

  const answered = stopwatch();
  const areToldOfAnswer = bothHear('call.answered', callId, { caller, callee }, () => answered('answer to told'));
  await Promise.all([way.act(callee, 'answer', callId).then(() => answered('answer reply')), areToldOfAnswer]);

  const hungUp = stopwatch();
  const areToldOfEnd = bothHear('call.ended', callId, { caller: callee, callee: caller }, () => hungUp('hang-up to told'));
  await Promise.all([way.act(caller, 'hang_up', callId).then(() => hungUp('hang-up reply')), areToldOfEnd]);
}

/** Waits until both are told. @param onTold called when the one hears who did not act himself: `caller` here. */
function bothHear(type, callId, { caller, callee }, onTold) {
  const other = caller.hears(type, callId).then(onTold);
  return Promise.all([other, callee.hears(type, callId)]);
}

function stopwatch() {
  const from = performance.now();
  return (what) => {
    samples[what] ??= [];
    samples[what].push(performance.now() - from);
  };
}

/** Connects devices that do nothing, so many at once. @returns how long it took until all had their snapshot, in seconds. */
async function gather({ appId, tokens, wanted, atOnce }) {
  const users = Object.entries(tokens);
  const from = performance.now();
  let made = 0;
  const connectNext = async () => {
    while (made < wanted) {
      const [userAlias, token] = users[made % users.length];
      crowd.push(await Phone.open(url, { appId, userAlias, token, deviceId: `device-${made++}` }));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, connectNext));
  return (performance.now() - from) / 1000;
}

function disperse() {
  for (const { socket } of [...crowd.splice(0), ...watchers, ...pairs.flatMap(({ caller, callee }) => [caller, callee])])
    socket.terminate();
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
