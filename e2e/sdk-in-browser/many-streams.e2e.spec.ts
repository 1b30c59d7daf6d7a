/*
 * In a call of many, also one that began with two, each gets pictures in the size in which they are shown, whose decoded frames are
 * measured; and everybody is told who speaks, by what Janus hears.
 */
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import { afterAll, afterEach, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

test('when two get a third, who shows a picture small gets it small, another one gets all of it, and who speaks is told to both', async () => {
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  for (const name of ['bob', 'carol']) await fleet.makeUser(app, name);
  const open = (name: string) => SdkPage.open(browsers, fleet, app, name);
  const [alice, bob, carol] = await Promise.all([open('alice'), open('bob'), open('carol')]);
  await alice.hearTone(false);
  await alice.dial('bob');
  await alice.takeUp('bob');
  const answers = async (page: SdkPage) => {
    await page.takeUp('alice');
    await page.answer();
  };
  await answers(bob);
  await eventually('a picture of alice', async () => (await bob.pictureOf('alice')).frames > 3, 20_000);
  expect(await alice.sizesSent()).toHaveLength(1);
  const connections = await alice.connections();
  await alice.invite('carol');
  await answers(carol);
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
  expect(await alice.connections(), 'nothing was joined anew').toBe(connections);
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
  await bob.plays('alice');
  await eventually('her being loud', async () => (await bob.levelOf('alice')) > 0.01, 10_000);
  await alice.hearTone(false);
  await speaks([]);
  await eventually('her being silent', async () => (await bob.levelOf('alice')) < 0.01, 10_000);
}, 120_000);
