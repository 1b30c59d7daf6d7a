/*
 * A call carries so many cameras and screens as its app says, whatever replicas of the media service its devices are at, and though two of
 * them begin at the same moment: one stays, which is seen, and the other is told why it is off. For npm run check:long.
 */
import type { Call, CenterError } from '@communication-center/client';
import { Browsers, eventually, Fleet, holds } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

declare const window: Window & typeof globalThis & { call: Call };

const shareScreen = (one: SdkPage) => one.page.evaluate(() => window.call.shareScreen());
const stopScreen = (one: SdkPage) => one.page.evaluate(() => window.call.stopScreen());
const seesScreen = (one: SdkPage) => one.page.evaluate(() => window.call.streams.some(({ kind }) => kind === 'screen'));
/** Shares a screen for which there is no room. @returns why not. */
const refusalOfScreen = (one: SdkPage) =>
  one.page.evaluate(async () => {
    const refused = new Promise<string>((resolve) => {
      window.call.on('mediaError', (error) => resolve((error as CenterError).code));
    });
    await window.call.shareScreen();
    return refused;
  });

const rounds = Number(process.env.FEW_STREAMS ?? 0);

test.runIf(rounds > 0)(
  'of two cameras that are switched on at the same moment, where there is room for one, one stays',
  async () => {
    const app = await fleet.makeApp({ options: { maxCameras: 1 } });
    await fleet.makeUser(app, 'bob');
    const [alice, bob] = [await SdkPage.open(browsers, fleet, app, 'alice'), await SdkPage.open(browsers, fleet, app, 'bob')];
    const both = [alice, bob];
    await alice.dial('bob', { video: false });
    await alice.takeUp('bob');
    await bob.takeUp('alice');
    await bob.setSending('video', false);
    await bob.answer();
    await eventually(
      'sound both ways',
      async () => (await Promise.all(both.map((one) => one.seen()))).every(({ packets }) => packets > 20),
      30_000,
    );
    const states = async () => Promise.all(both.map(async (one) => (await one.seen()).state.video));
    const shown = async () => Promise.all(both.map(async (one) => (await one.seen()).streams[0]?.video));
    const won = { alice: 0, bob: 0 };
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(both.map((one) => one.setSending('video', true)));
      const isDecided = async () => (await states()).filter((state) => state === 'on').length === 1;
      await eventually('one camera being on', isDecided, 10_000);
      await holds('one camera being on', isDecided, 500);
      const winner = (await states())[0] === 'on' ? 0 : 1;
      won[winner === 0 ? 'alice' : 'bob'] += 1;
      const [first, other] = [both[winner], both[1 - winner]] as [SdkPage, SdkPage];
      const before = (await other.seen()).frames;
      await eventually('the one that stayed being seen', async () => (await other.seen()).frames > before, 10_000);
      await eventually('the others being told', async () => (await shown()).join() === (winner === 0 ? 'off,on' : 'on,off'), 5000);
      await first.setSending('video', false);
      await eventually('none being on', async () => (await shown()).every((state) => state === 'off'), 5000);
    }
    console.log(`of ${rounds} rounds alice won ${won.alice}, bob ${won.bob}`);
  },
  240_000,
);

test.runIf(rounds > 0)(
  'a screen for which there is no room is refused by name, and goes out when the one before is over',
  async () => {
    const app = await fleet.makeApp({ options: { maxScreens: 1 } });
    await fleet.makeUser(app, 'bob');
    const [alice, bob] = [await SdkPage.open(browsers, fleet, app, 'alice'), await SdkPage.open(browsers, fleet, app, 'bob')];
    await alice.dial('bob');
    await alice.takeUp('bob');
    await bob.takeUp('alice');
    await bob.answer();
    await eventually('pictures', async () => (await bob.seen()).frames > 3, 30_000);
    await shareScreen(alice);
    await eventually('a screen', () => seesScreen(bob), 15_000);
    expect(await refusalOfScreen(bob)).toBe('too_many_streams');
    await holds('no second screen', async () => !(await seesScreen(alice)), 1000);
    await stopScreen(alice);
    await eventually('the first being over', async () => !(await seesScreen(bob)), 10_000);
    await shareScreen(bob);
    await eventually('the second', () => seesScreen(alice), 15_000);
  },
  120_000,
);
