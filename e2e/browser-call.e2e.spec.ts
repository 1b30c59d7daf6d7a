/*
 * Two people in real browsers talk through the Center: what one sends, the other decodes; and both learn why it ended.
 */
import { Browsers, eventually, Fleet, janusRooms, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { arrivedAt, dial, expectMediaBothWays, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

// Calls last longer than this: whoever joins its media in time is not taken out.
const mediaSetupSeconds = 6;

beforeAll(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds, callWaiting: true } });
});

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

const signIn = (userAlias: string, size?: { width: number; height: number }): Promise<Page> =>
  pageOf(browsers, fleet, app, userAlias, size);

const timelineOf = (page: Page) => page.getByRole('region', { name: 'What happened' });

test('two browsers dial, ring, answer, see and hear each other, hang up, and both see why it ended', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob');
  await bob.getByRole('dialog').getByText('alice').first().waitFor();
  await alice.getByRole('status').getByText('Ringing').waitFor();
  await bob.getByRole('button', { name: 'Answer', exact: true }).click();
  await alice.getByText('Connected', { exact: true }).waitFor();
  await bob.getByText('Connected', { exact: true }).waitFor();
  await expectMediaBothWays([alice, bob]);
  const [room] = await fleet.query<{ call_id: string }>('media', 'SELECT call_id FROM rooms WHERE app_id = $1 AND closed_at IS NULL', [
    app.appId,
  ]);
  expect(await janusRooms(fleet)).toContain(room?.call_id);
  await bob.getByRole('button', { name: 'Hang up' }).click();
  await eventually('the room being destroyed', async () => !(await janusRooms(fleet)).includes(room?.call_id ?? ''));
  await alice.getByText('Hung up', { exact: true }).first().waitFor();
  await bob.getByText('Hung up', { exact: true }).first().waitFor();
  for (const page of [alice, bob]) {
    for (const step of ['call.dialed', 'call.ringing', 'call.answered', 'call.hung_up', 'call.ended'])
      await timelineOf(page).getByText(step).waitFor();
  }
});

test('a voice call gets video by consent', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await alice.getByText('Voice', { exact: true }).click();
  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Answer', exact: true }).click();
  await eventually('bob hearing alice', async () => (await arrivedAt(bob)).audioPackets > 0, 20_000);
  expect((await arrivedAt(bob)).framesDecoded).toBe(0);
  await alice.getByRole('button', { name: 'Ask for video' }).click();
  await bob.getByText('alice asks for video').waitFor();
  await bob.getByRole('button', { name: 'Turn video on' }).click();
  await expectMediaBothWays([alice, bob]);
  await bob.getByRole('button', { name: 'Hang up' }).click();
  await alice.getByText('Hung up', { exact: true }).first().waitFor();
});

test('a second call waits, is answered by hanging up the first, and a third person is added to it', async () => {
  const [alice, bob, carol] = await Promise.all([signIn('alice'), signIn('bob'), signIn('carol')]);
  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Answer', exact: true }).click();
  await alice.getByText('Connected', { exact: true }).waitFor();
  await dial(carol, 'bob');
  await carol.getByText('bob: In another call, and told of this one').waitFor();
  await bob.getByRole('button', { name: 'Hang up and answer' }).click();
  await alice.getByText('Hung up', { exact: true }).first().waitFor();
  await carol.getByText('Connected', { exact: true }).waitFor();
  await carol.getByRole('textbox', { name: 'Add a person' }).fill('alice');
  await carol.getByRole('button', { name: 'Add' }).click();
  await alice.getByRole('button', { name: 'Answer', exact: true }).click();
  await bob.getByText('alice: In the call').waitFor();
  await expectMediaBothWays([alice, bob, carol]);
  await carol.getByRole('button', { name: 'Remove' }).first().click();
  await bob.getByText('Removed from the call').first().waitFor();
  await carol.getByRole('button', { name: 'Hang up' }).click();
  await alice.getByText('Hung up', { exact: true }).first().waitFor();
}, 90_000);
