/*
 * Two people in real browsers talk through the Center: what one sends, the other decodes; and both learn why it ended.
 */
import { Browsers, eventually, Fleet, janusRooms, MailServer, type TestApp } from '@communication-center/testing';
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
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
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

test('a call is declined with a reason, and the next one is cancelled', async () => {
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Decline with a reason' }).click();
  await bob.getByRole('menuitem', { name: 'I am busy' }).click();
  await alice.getByText('Declined', { exact: true }).first().waitFor();
  await timelineOf(alice).getByText('bob · busy').waitFor();

  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Answer', exact: true }).waitFor();
  await alice.getByRole('button', { name: 'Cancel' }).click();
  await bob.getByRole('dialog').waitFor({ state: 'detached' });
  await bob.getByText('Cancelled', { exact: true }).first().waitFor();
});

test('a voice call gets video by consent', async () => {
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
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
  const [alice, bob, carol] = [await signIn('alice'), await signIn('bob'), await signIn('carol')];
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

test('the wall shows who is where and with whom, live; it is sorted, searched and followed', async () => {
  const [alice, bob, carol] = [await signIn('alice'), await signIn('bob'), await signIn('carol')];
  await carol.getByRole('tab', { name: 'People' }).click();
  const row = (name: string) =>
    carol
      .getByRole('row')
      .filter({ has: carol.getByRole('cell', { name, exact: true }) })
      .first();
  await row('bob').getByText('online').waitFor();
  await dial(alice, 'bob');
  await row('bob').getByText('is called by').waitFor();
  await bob.getByRole('button', { name: 'Answer', exact: true }).click();
  await row('alice').getByText('talks with').waitFor();
  await row('alice').getByRole('button', { name: 'bob' }).click();
  await eventually('only the two of them being shown', async () => (await carol.getByRole('row').count()) === 3);
  await carol.getByRole('textbox', { name: 'Search people' }).fill('');
  await carol.getByRole('button', { name: 'Status' }).click();
  await carol.getByRole('columnheader', { name: 'Status' }).and(carol.locator('[aria-sort=ascending]')).waitFor();
  await carol.getByRole('tab', { name: 'Devices' }).click();
  await eventually('two devices being busy', async () => (await carol.getByText('busy', { exact: true }).count()) === 2);
  await bob.getByRole('button', { name: 'Hang up' }).click();
  await eventually('nobody being busy', async () => (await carol.getByText('busy', { exact: true }).count()) === 0);
});

test('nobody answers: the ring ends on both sides after the ring time, and an absent callee gets an e-mail', async () => {
  const short = await fleet.makeApp({ options: { ringSeconds: 5 } });
  app = short;
  await fleet.makeUser(short, 'carol', { name: 'Carol Cooper', email: 'carol@example.com' });
  const mail = await MailServer.start(fleet);
  try {
    const [alice, bob] = [await signIn('alice'), await signIn('bob')];
    await dial(alice, 'bob');
    await bob.getByRole('button', { name: 'Answer', exact: true }).waitFor();
    await alice.getByText('No answer', { exact: true }).first().waitFor({ timeout: 12_000 });
    await bob.getByRole('dialog').waitFor({ state: 'detached' });
    await bob.getByText('No answer', { exact: true }).first().waitFor();

    await dial(alice, 'carol');
    await timelineOf(alice).getByText('carol · no_answer').waitFor({ timeout: 12_000 });
    const [sent] = await eventually('the e-mail of the missed call', () => mail.mails.length > 0 && mail.mails, 20_000);
    expect(sent?.subject).toBe('Missed call from alice');
    expect(sent?.to).toMatchObject({ text: 'carol@example.com' });
    expect(sent?.text).toContain('Hello Carol Cooper');
  } finally {
    await mail.stop();
  }
});

test('the phone works by keyboard alone, on the width of a phone', async () => {
  const [alice, bob] = [await signIn('alice', { width: 390, height: 800 }), await signIn('bob', { width: 390, height: 800 })];
  await alice.getByRole('textbox', { name: 'Call' }).focus();
  await alice.keyboard.type('bob');
  await alice.keyboard.press('Enter');
  // The ring puts the focus on its answer button.
  await eventually('the focus on Answer', () => bob.evaluate(() => document.activeElement?.textContent === 'Answer'));
  await bob.keyboard.press('Enter');
  await alice.getByText('Connected', { exact: true }).waitFor();
  const tooWide = await alice.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(tooWide).toBe(false);
  await alice.getByRole('button', { name: 'Hang up' }).focus();
  await alice.keyboard.press('Enter');
  await bob.getByText('Hung up', { exact: true }).first().waitFor();
});
