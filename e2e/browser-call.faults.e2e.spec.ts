/*
 * What carries sound and picture dies in the middle of a call: the call goes on, and they come back.
 */
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import { afterAll, afterEach, test } from 'vitest';
import { answer, connected, dial, expectMediaBothWays, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

test('sound and picture come back by themselves when the media service, or Janus, is killed (-9) during a call', async () => {
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 6 } });
  const [alice, bob] = await Promise.all([pageOf(browsers, fleet, app, 'alice'), pageOf(browsers, fleet, app, 'bob')]);
  await dial(alice, 'bob');
  await answer(bob);
  await expectMediaBothWays([alice, bob]);
  await fleet.killAndAwait('media');
  await expectMediaBothWays([alice, bob]);
  await fleet.control('janus', 'kill');
  await eventually('the picture being gone', async () => (await alice.locator('.tiles video:not(.no-picture)').count()) === 0);
  await expectMediaBothWays([alice, bob]);
  await connected(alice);
  await hangUp(bob, [alice], 'bob');
}, 120_000);
