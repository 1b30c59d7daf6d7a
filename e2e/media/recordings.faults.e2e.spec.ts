/*
 * A call that is recorded: everyone in it sees so, and one file comes of it in which both are seen and heard, in time with each other, though who makes it is killed; what is told
 * of it, what REST says and what the files are is the same; and it goes when it is deleted. The picture flashes when the tone sounds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordingView } from '@communication-center/contracts/recordings';
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { SdkPage } from '../sdk-in-browser/sdk-page.js';
import { brightness, everyPicture, everyWindow, loudness, medianLag, onsets, probe } from './look-into.js';
import { downloadTo, openBeeping, readyRecording, recordingOf } from './recorded-calls.js';

const fleet = new Fleet();
const browsers = new Browsers();
const tones = { alice: 440, bob: 1000 };
let app: TestApp;
let folder: string;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { usersMayRecord: true, eventLog: true } });
  await fleet.makeUser(app, 'bob');
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
});
afterEach(async () => {
  await browsers.closeAll();
  await rm(folder, { recursive: true });
});
afterAll(() => browsers.quit());

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const asServer = <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => fleet.rest<T>(method, path, app.key, body);

const beepingPage = (userAlias: 'alice' | 'bob', colour: string) =>
  openBeeping(browsers, { fleet, app, userAlias }, { tone: tones[userAlias], colour });
const only = (callId: string) => recordingOf({ fleet, app }, callId);
const download = (file: RecordingView['files'][number]) => downloadTo(folder, file);

/** Half a minute, most of it while people talk: for npm run check:long. What is made of such files is tried in apps/media/src/recordings. */
const isWhole = process.env.EVERY_RECORDING === 'true';

test.runIf(isWhole)(
  'both are seen, flashing, and heard, beeping, in time; everyone saw that it was recorded; and all that is told of it agrees',
  async () => {
    const alice = await beepingPage('alice', '#600000');
    const bob = await beepingPage('bob', '#000060');
    await alice.dial('bob');
    await alice.takeUp('bob');
    await bob.takeUp('alice');
    await bob.answer();
    const sees = async (one: SdkPage) => (await one.seen()).frames > 3 && (await one.seen()).packets > 3;
    await eventually('sound and picture both ways', async () => (await sees(alice)) && (await sees(bob)), 25_000);
    const callId = await alice.callId;

    await alice.record('startRecording');
    await eventually('bob seeing it', async () => (await bob.recording())?.by === 'alice');
    await eventually('Janus recording', async () => (await only(callId)).state === 'recording', 10_000);
    const began = Date.now();
    await sleep(5000);
    await asServer('POST', `/v1/calls/${callId}/pause-recording`);
    await eventually('both seeing the pause', async () => (await alice.recording())?.paused && (await bob.recording())?.paused);
    await eventually('the pause', async () => (await only(callId)).state === 'paused');
    const first = Date.now() - began;
    await sleep(3000);
    await alice.record('resumeRecording');
    await eventually('going on', async () => (await only(callId)).state === 'recording');
    const again = Date.now();
    await sleep(4000);
    await alice.record('stopRecording');
    await eventually('the end', async () => ['processing', 'ready'].includes((await only(callId)).state));
    const expected = (first + Date.now() - again) / 1000;
    await eventually('bob seeing the end', async () => (await bob.recording()) === undefined);
    await alice.hangUp();
    // Who makes the files is killed in the middle of it; what ran for it goes with it.
    await eventually('files being made', async () => (await only(callId)).progress > 0 || (await only(callId)).state === 'ready', 30_000);
    await fleet.killAndAwait('media');

    const recording = await readyRecording({ fleet, app }, callId);
    const [mp4, m4a, ...streams] = recording.files;
    if (!mp4 || !m4a) throw new Error('two files are missing');
    expect([mp4.name, m4a.name]).toEqual(['call.mp4', 'call.m4a']);
    expect(new Set(streams.map(({ userAlias }) => userAlias))).toEqual(new Set(['alice', 'bob']));

    const file = await download(mp4);
    const { seconds, streams: inFile } = await probe(file);
    expect(Math.abs(seconds - expected), `${seconds} s of ${expected} s`).toBeLessThan(1);
    expect(Math.abs(seconds - (recording.seconds ?? 0))).toBeLessThan(0.1);
    expect(inFile).toMatchObject([
      { kind: 'video', codec: 'h264', width: 1280, height: 720 },
      { kind: 'audio', codec: 'aac' },
    ]);
    const halves = [0, 640].map((x) => ({ x: x + 160, y: 240, width: 320, height: 240 }));
    const flashes = await Promise.all(halves.map(async (half) => onsets(await brightness(file, half), everyPicture)));
    const lags: number[] = [];
    for (const tone of Object.values(tones)) {
      const beeps = onsets(await loudness(file, tone), everyWindow);
      expect(beeps.length, `beeps of ${tone} Hz`).toBeGreaterThan(5);
      // Whose half it is, is told by which fits: both flash in the same moments, and are told apart by their colours below.
      lags.push(...flashes.map((seen) => medianLag(seen, beeps)));
    }
    console.log(`sound after picture, ms: ${lags.map((lag) => lag.toFixed(0)).join(', ')}; ${seconds} s of ${expected.toFixed(2)} s`);
    for (const seen of flashes) expect(seen.length).toBeGreaterThan(5);
    for (const lag of lags) expect(Math.abs(lag)).toBeLessThan(100);
    expect((await probe(await download(m4a))).streams).toMatchObject([{ kind: 'audio', codec: 'aac' }]);
    for (const stream of streams) expect((await probe(await download(stream))).seconds).toBeGreaterThan(0);

    const part = await fetch(mp4.url, { headers: { range: 'bytes=4-7' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, `bytes 4-7/${mp4.bytes}`, 'ftyp']);
    expect((await fetch(mp4.url, { headers: { range: `bytes=${mp4.bytes}-` } })).status).toBe(416);
    expect((await fetch(`${mp4.url.slice(0, -4)}AAAA`)).status).toBe(404);

    const told = async () => {
      const { events } = (await asServer<{ events: { type: string; data: RecordingView }[] }>('GET', '/v1/events?limit=100')).body;
      const types = events.map(({ type }) => type).filter((type) => type.includes('recording'));
      return types.includes('recording.ready') ? { types, last: events.findLast(({ type }) => type === 'recording.ready') } : undefined;
    };
    const { types, last } = await eventually('all being told', told, 15_000);
    expect(types.filter((type) => type.startsWith('recording.'))).toEqual(
      ['starting', 'started', 'processing', 'ready'].map((what) => `recording.${what}`),
    );
    expect(types.filter((type) => type.startsWith('call.'))).toEqual(
      ['started', 'paused', 'resumed', 'stopped'].map((what) => `call.recording_${what}`),
    );
    expect(last?.data.files).toEqual(recording.files.map(({ url: _, urlExpiresAt: __, ...described }) => described));

    expect((await asServer('DELETE', `/v1/recordings/${recording.recordingId}`)).status).toBe(204);
    await eventually('it being deleted', async () => (await fetch(mp4.url)).status === 404);
    await eventually(
      'nothing being known of it',
      async () => (await fleet.rest('GET', `/v1/recordings/${recording.recordingId}`, app.key)).status === 404,
      15_000,
    );
  },
);
