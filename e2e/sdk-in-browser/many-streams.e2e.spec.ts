/*
 * In a call of many each gets pictures in the size in which they are shown, whose decoded frames are measured; and everybody is told who
 * speaks, by what Janus hears.
 */
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import { afterAll, afterEach, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

test('a subscriber that shows a picture small gets it small, another one gets all of it, and who speaks is told to both', async () => {
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  for (const name of ['bob', 'carol']) await fleet.makeUser(app, name);
  const open = (name: string) => SdkPage.open(browsers, fleet, app, name);
  const [alice, bob, carol] = await Promise.all([open('alice'), open('bob'), open('carol')]);
  await alice.hearTone(false);
  await alice.dial(['bob', 'carol']);
  await alice.takeUp('bob');
  for (const page of [bob, carol]) {
    await page.takeUp('alice');
    await page.answer();
  }
  const sent = await eventually(
    'alice sending two sizes',
    async () => {
      const { layers, height } = await bob.pictureOf('alice');
      return layers.length > 1 && height > 0 && layers;
    },
    30_000,
  );
  const [largest = 0, smaller = 0] = sent;
  expect(smaller).toBe(largest / 2);
  const comes = async (page: SdkPage, height: number) => {
    const before = (await page.pictureOf('alice')).frames;
    const arrived = async () => {
      const picture = await page.pictureOf('alice');
      return picture.height === height && picture.frames > before + 3;
    };
    await eventually(`pictures of ${height}`, arrived, 15_000);
  };
  for (const page of [bob, carol]) await comes(page, largest);
  await bob.show('alice', smaller - 10);
  await comes(bob, smaller);
  await comes(carol, largest);
  await bob.show('alice', undefined);
  await comes(bob, largest);

  const speaks = async (whoever: string[]) => {
    for (const page of [bob, carol])
      await eventually(`${whoever} speaking`, async () => (await page.speakers()).join() === whoever.join(), 10_000);
  };
  await alice.hearTone(true);
  await speaks(['alice']);
  await alice.hearTone(false);
  await speaks([]);
}, 120_000);
