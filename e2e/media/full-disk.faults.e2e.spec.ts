/*
 * A disk that becomes full while a real Janus records a call: nobody is shown any more that it is recorded, the call goes on with sound and picture, what was
 * recorded is made into files, in which who has a name is called by it; and once there is room the call is recorded again. For npm run check:long.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RecordingView } from '@communication-center/contracts/recordings';
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { SdkPage } from '../sdk-in-browser/sdk-page.js';
import { colourAt } from './look-into.js';
import { downloadTo, openBeeping } from './recorded-calls.js';

const fleet = new Fleet();
const browsers = new Browsers();
const disk = join(dirname(process.env.CENTER_INSTANCE_FILE ?? ''), 'recordings');
const megabyte = 1_048_576;
let app: TestApp;
let folder: string;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { usersMayRecord: true } });
  await fleet.makeUser(app, 'bob', { name: 'Bob %{pts} WWWWWWWW' });
  folder = await mkdtemp(join(tmpdir(), 'full-disk-'));
});
afterEach(async () => {
  await browsers.closeAll();
  await rm(folder, { recursive: true });
});
afterAll(() => browsers.quit());

const recordingsOf = async (callId: string) =>
  (await fleet.rest<{ recordings?: RecordingView[] }>('GET', `/v1/calls/${callId}/recordings`, app.key)).body.recordings ?? [];
const goesOn = async (one: SdkPage) => {
  const before = await one.seen();
  return eventually('more sound and pictures', async () => {
    const now = await one.seen();
    return now.frames > before.frames + 10 && now.packets > before.packets + 20;
  });
};

test.runIf(process.env.EVERY_RECORDING === 'true')(
  'a disk that becomes full ends a recording, and not its call; what there is of it is made; and the next is recorded once there is room',
  { timeout: 180_000 },
  async () => {
    await mkdir(disk, { recursive: true });
    // Some more than what has to be free (RECORDINGS_FREE_BYTES); memory is taken for what is written alone.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1100m', 'tmpfs', disk]);
    try {
      const alice = await openBeeping(browsers, { fleet, app, userAlias: 'alice' }, { tone: 440, colour: '#600000' });
      const bob = await openBeeping(browsers, { fleet, app, userAlias: 'bob' }, { tone: 1000, colour: '#000060' });
      await alice.dial('bob');
      await alice.takeUp('bob');
      await bob.takeUp('alice');
      await bob.answer();
      const callId = await alice.callId;
      for (const one of [alice, bob]) await goesOn(one);
      await alice.record('startRecording');
      await eventually('Janus recording', async () => (await recordingsOf(callId))[0]?.state === 'recording', 15_000);
      await new Promise((resolve) => setTimeout(resolve, 4000));

      await writeFile(join(disk, 'of-others'), Buffer.alloc(90 * megabyte, 1));
      for (const one of [alice, bob])
        await eventually('nobody seeing that it is recorded', async () => (await one.recording()) === undefined);
      for (const one of [alice, bob]) await goesOn(one);
      const ready = await eventually('the files', async () => (await recordingsOf(callId)).find(({ state }) => state === 'ready'), 120_000);
      expect(ready.seconds).toBeGreaterThan(2);
      for (const one of [alice, bob]) await goesOn(one);
      const whole = ready.files.find(({ kind }) => kind === 'call');
      if (!whole) throw new Error('there is no film');
      const film = await downloadTo(folder, whole);
      const named = [];
      for (const x of [14, 654]) {
        const at = (y: number) => colourAt(film, 2, { x, y, width: 220, height: 22 });
        const [label, above] = [await at(676), await at(600)];
        named.push(label.some((value, index) => Math.abs(value - (above[index] ?? 0)) > 20));
      }
      console.log(`named: ${named.join()}`);
      expect(named.filter(Boolean)).toHaveLength(1);

      await rm(join(disk, 'of-others'));
      await alice.record('startRecording');
      await eventually('being recorded again', async () => (await recordingsOf(callId)).some(({ state }) => state === 'recording'), 15_000);
      await alice.hangUp();
      await eventually(
        'both being made',
        async () => (await recordingsOf(callId)).filter(({ state }) => state === 'ready').length === 2,
        120_000,
      );
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  },
);
