/*
 * A device of which nothing ever comes through is out of its call, and everybody is told why. It takes the twenty seconds that an honest device
 * has: npm run check:long asks for it.
 */
import type { CallRecord } from '@communication-center/contracts';
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

test.skipIf(!process.env.EVERY_MEDIA_FAULT)(
  'whose browser finds no network is out of the call with the reason, at both ends, in history, and nobody else is',
  async () => {
    const app = await fleet.makeApp();
    for (const name of ['bob', 'carol']) await fleet.makeUser(app, name);
    const open = (name: string) => SdkPage.open(browsers, fleet, app, name);
    const [alice, bob, carol] = await Promise.all([open('alice'), open('bob'), open('carol')]);
    await bob.findNoNetwork();
    await alice.dial(['bob', 'carol']);
    await alice.takeUp('bob');
    const answeredAt = Date.now();
    for (const page of [bob, carol]) {
      await page.takeUp('alice');
      await page.answer();
    }
    const failure = { reason: 'media_failed', mediaFailure: 'no_candidates' };
    expect(await eventually('bob being out', async () => (await bob.ended()).end, 60_000)).toMatchObject(failure);
    expect(Date.now() - answeredAt).toBeGreaterThan(19_000);
    expect((await alice.seen()).phase).toBe('connected');
    expect((await carol.seen()).phase).toBe('connected');
    const { callId } = await alice.ended();
    const record = async () => (await fleet.rest<CallRecord>('GET', `/v1/calls/${callId}`, app.key)).body;
    const call = await record();
    expect(call.participants.find(({ userAlias }) => userAlias === 'bob')).toMatchObject(failure);
    expect(call.participants.filter(({ state }) => state === 'connected')).toHaveLength(2);
    const listed = async () => (await fleet.rest<{ calls: CallRecord[] }>('GET', '/v1/calls', app.key)).body.calls[0];
    const part = async () => (await listed())?.parts.find(({ userAlias }) => userAlias === 'bob');
    await eventually('the history telling it', async () => (await part())?.mediaFailure === 'no_candidates');
  },
  120_000,
);
