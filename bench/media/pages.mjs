import { fileURLToPath } from 'node:url';
import { Browsers } from '@communication-center/testing';
import { rolldown } from 'rolldown';
import { markSteps, stepsOf } from './page-marks.mjs';

/** How long two people talk before the next call, and how long anything in a page may take, in milliseconds. */
const [talkMs, patienceMs] = [300, 20_000];

/**
 * Two pages with the SDK, and fake cameras at the pace of real ones, that call each other.
 * @param {{fleet: object, app: {appId: string}, tokens: Record<'alice' | 'bob', string>, rounds: number, marked?: boolean}} options `marked`: prints what the
 *   way is made of, which the marks themselves make longer.
 * @returns for each call how long it took from the answer to the first picture decoded, at who answered and at who called, and how long two
 *   connections of one page need for that with nothing between them, in milliseconds.
 */
export async function firstPictures({ fleet, app, tokens, rounds, marked = false }) {
  const browsers = new Browsers(undefined, 20);
  try {
    const sdk = await bundle();
    const open = async (userAlias) => {
      const page = await browsers.page(`${fleet.url}/`, { isFree: true });
      if (marked) await page.evaluate(markSteps);
      await page.evaluate(sdk);
      await page.evaluate(connect, { url: fleet.url, appId: app.appId, userAlias, token: tokens[userAlias] });
      return page;
    };
    const [alice, bob] = [await open('alice'), await open('bob')];
    const times = { answered: [], called: [], floor: [] };
    const marks = { answered: [], called: [] };
    // The first calls compile everything.
    for (let round = -3; round < rounds; round += 1) {
      const floor = await within(alice.evaluate(bareConnection), 'a bare connection');
      if (marked) for (const page of [alice, bob]) await page.evaluate(() => window.takeMarks());
      const ringing = bob.evaluate(() => window.nextRing());
      const called = alice.evaluate(() => window.call('bob'));
      await within(ringing, 'a ring');
      // Who rings has looked at the name; the page is at rest.
      await pause(talkMs);
      const { answeredAt, seenAt } = await within(
        bob.evaluate(() => window.answer()),
        'a picture at who answered',
      );
      const seenByCaller = await within(called, 'a picture at who called');
      await pause(talkMs);
      await alice.evaluate(() => window.hangUp());
      if (round < 0) continue;
      if (marked) {
        marks.answered.push({ answeredAt, marks: await bob.evaluate(() => window.takeMarks()) });
        marks.called.push({ answeredAt, marks: await alice.evaluate(() => window.takeMarks()) });
      }
      times.answered.push(seenAt - answeredAt);
      times.called.push(seenByCaller - answeredAt);
      times.floor.push(floor);
    }
    if (marked)
      for (const [who, some] of Object.entries(marks)) {
        console.log(`\n  who ${who}, ms after the answer (median)`);
        for (const [step, at, count] of stepsOf(some))
          console.log(`  ${at.toFixed(1).padStart(8)}  ${step}${count < some.length ? ` (${count} of ${some.length})` : ''}`);
      }
    return times;
  } finally {
    await browsers.quit();
  }
}

async function bundle() {
  const input = fileURLToPath(new URL('../../libs/client/dist/index.js', import.meta.url));
  const build = await rolldown({ input, platform: 'browser', logLevel: 'silent' });
  const { output } = await build.generate({ format: 'iife', name: 'sdk' });
  return `${output[0].code}\n;window.sdk = sdk;`;
}

/** Runs in a page: connects, and puts what the measurement asks for into its window. */
async function connect(options) {
  const now = () => performance.timeOrigin + performance.now();
  const center = await window.sdk.CommunicationCenter.connect(options);
  const rings = [];
  const waiting = [];
  let current;
  center.on('incomingCall', (call) => {
    current = call;
    (waiting.shift() ?? ((one) => rings.push(one)))(call.callId);
  });
  // Who decodes says so of each picture: what is drawn later is not waited for.
  const firstPicture = async (call) => {
    const stream = await new Promise((resolve) => {
      const [there] = call.streams;
      if (there) resolve(there);
      else call.on('streamAdded', resolve);
    });
    for (;;) {
      const [track] = stream.mediaStream.getVideoTracks();
      if (track) {
        const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
        const { value } = await reader.read();
        value?.close();
        window.markStep?.('first picture decoded');
        void reader.cancel();
        return now();
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  window.nextRing = () => (rings.length > 0 ? rings.shift() : new Promise((resolve) => waiting.push(resolve)));
  window.call = (userAlias) => {
    current = center.dial([userAlias]);
    return firstPicture(current);
  };
  window.answer = async () => {
    const seen = firstPicture(current);
    const answeredAt = now();
    await current.answer();
    return { answeredAt, seenAt: await seen };
  };
  window.hangUp = () => current.hangUp();
}

/** Runs in a page: @returns how long it is from an offer to the first picture decoded, over two connections of this page. */
async function bareConnection() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
  from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
  to.onicecandidate = ({ candidate }) => candidate && from.addIceCandidate(candidate);
  try {
    const began = performance.now();
    const came = new Promise((resolve) => {
      to.ontrack = ({ track }) => track.kind === 'video' && resolve(track);
    });
    for (const track of stream.getTracks()) from.addTrack(track, stream);
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    const reader = new MediaStreamTrackProcessor({ track: await came }).readable.getReader();
    const { value } = await reader.read();
    value?.close();
    return performance.now() - began;
  } finally {
    for (const peer of [from, to]) peer.close();
    for (const track of stream.getTracks()) track.stop();
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come in ${patienceMs} ms`)), patienceMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
