/*
 * Two people in real browsers talk through the Center: what one sends, the other decodes; and both learn why it ended.
 */
import type { EndpointView } from '@communication-center/contracts';
import type { QualityView } from '@communication-center/contracts/quality';
import { Browsers, eventually, Fleet, janusRooms, type TestApp, WebhookReceiver } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { answer, arrivedAt, connected, dial, expectMediaBothWays, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

// Calls last longer than this: whoever joins its media in time is not taken out.
const mediaSetupSeconds = 6;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds, callWaiting: true } });
});

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

const signIn = (userAlias: string, size?: { width: number; height: number }): Promise<Page> =>
  pageOf(browsers, fleet, app, userAlias, size);

/** Opens what the log says of the last call. */
async function timelineOf(page: Page) {
  await page.getByRole('button', { name: 'Details' }).first().click();
  return page.getByRole('region', { name: 'What happened' });
}

test('two browsers dial, ring, answer, see and hear each other, hang up, and both see why it ended', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob');
  await bob.getByRole('dialog').getByText('alice').first().waitFor();
  await alice.getByRole('status').getByText('Ringing').waitFor();
  await answer(bob);
  await Promise.all([alice, bob].map(connected));
  await expectMediaBothWays([alice, bob]);
  const [room] = await fleet.query<{ call_id: string }>('media', 'SELECT call_id FROM rooms WHERE app_id = $1 AND closed_at IS NULL', [
    app.appId,
  ]);
  expect(await janusRooms(fleet)).toContain(room?.call_id);
  await hangUp(bob, [alice], 'bob');
  await eventually('the room being destroyed', async () => !(await janusRooms(fleet)).includes(room?.call_id ?? ''));
  await alice.getByText('You called bob').waitFor();
  await bob.getByText('alice called you').waitFor();
  for (const page of [alice, bob]) {
    const timeline = await timelineOf(page);
    for (const step of ['call.dialed', 'call.ringing', 'call.answered', 'call.hung_up', 'call.ended'])
      await timeline.getByText(step).waitFor();
  }
});

interface Listening {
  heard: { atMs: number; packets: number }[];
}

/** Notes from now on, ten times a second, how many packets of sound have come over the connections that are there now. */
const listen = (page: Page) =>
  page.evaluate(() => {
    const { kept } = window as unknown as { kept: RTCPeerConnection[] };
    const now = [...kept];
    const heard: Listening['heard'] = [];
    const look = async () => {
      let packets = 0;
      for (const connection of now)
        for (const entry of (await connection.getStats()).values())
          if (entry.type === 'inbound-rtp' && entry.kind === 'audio') packets += entry.packetsReceived ?? 0;
      heard.push({ atMs: performance.now(), packets });
    };
    setInterval(() => void look(), 100);
    Object.assign(window, { heard });
  });

/** @returns the longest time without sound since, in milliseconds; and the states of all connections that the page has made. */
const listened = (page: Page) =>
  page.evaluate(() => {
    const { kept, heard } = window as unknown as { kept: RTCPeerConnection[] } & Listening;
    let longestMs = 0;
    let [last] = heard;
    for (const one of heard) {
      if (last && one.packets > last.packets) last = one;
      if (last) longestMs = Math.max(longestMs, one.atMs - last.atMs);
    }
    return { longestMs, looks: heard.length, states: kept.map(({ connectionState }) => connectionState) };
  });

/** @returns what a key reads of the media of the last call, once figures of what arrives have come from both browsers. */
const measured = (callId: string) =>
  eventually(
    'figures of both browsers',
    async () => {
      const { status, body } = await fleet.rest<QualityView>('GET', `/v1/calls/${callId}/quality`, app.key);
      const flowing = (user: QualityView['participants'][number]) =>
        user.streams
          .filter(({ way, points }) => way === 'received' && points.some(({ kbps }) => (kbps ?? 0) > 0))
          .map(({ media }) => media);
      return (
        status === 200 &&
        body.participants.filter((one) => ['audio', 'video'].every((media) => flowing(one).includes(media as never))).length === 2 &&
        body
      );
    },
    20_000,
  );

test('a voice call gets video by consent, over the same connections, and the sound goes on meanwhile; what is measured of it is told', async () => {
  const receiver = await WebhookReceiver.start();
  const eventTypes = ['call.quality'];
  const endpoint = (await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url, eventTypes })).body;
  receiver.secret = endpoint.secret ?? '';
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob', 'voice');
  await answer(bob);
  for (const page of [alice, bob]) await eventually('sound', async () => (await arrivedAt(page)).audioPackets > 20, 20_000);
  expect((await arrivedAt(bob)).framesDecoded).toBe(0);
  await Promise.all([alice, bob].map(listen));
  await alice.getByRole('button', { name: 'Ask for video' }).click();
  await bob.getByText('alice asks for video').waitFor();
  await bob.getByRole('button', { name: 'Turn video on' }).click();
  await expectMediaBothWays([alice, bob]);
  for (const page of [alice, bob]) {
    const { longestMs, looks, states } = await listened(page);
    expect(states, 'the connections of before, and no others').toEqual(['connected', 'connected']);
    expect(looks).toBeGreaterThan(10);
    // A packet has 20 ms of sound: a new connection leaves out a second and more.
    expect(longestMs).toBeLessThan(600);
  }
  const [room] = await fleet.query<{ call_id: string }>('media', 'SELECT call_id FROM rooms WHERE app_id = $1 AND closed_at IS NULL', [
    app.appId,
  ]);
  const callId = room?.call_id ?? '';
  const { isOver, participants } = await measured(callId);
  expect([isOver, participants.map(({ userAlias }) => userAlias)]).toEqual([false, ['alice', 'bob']]);
  for (const { score, roundTripMs, candidateType, janus, streams } of participants) {
    // How good it was depends on what else this machine does.
    expect(score).toBeGreaterThanOrEqual(1);
    expect(roundTripMs).toBeGreaterThanOrEqual(0);
    expect(candidateType).not.toBeNull();
    expect(janus.at(-1)).toMatchObject({ up: true, receiving: ['audio', 'video'] });
    const picture = streams.find(({ way, media }) => way === 'received' && media === 'video');
    expect(picture?.points.at(-1)).toMatchObject({ width: expect.any(Number), height: expect.any(Number) });
  }
  await alice.getByRole('button', { name: 'More' }).click();
  await alice.getByRole('region', { name: 'Current call' }).getByRole('button', { name: 'Details', exact: true }).click();
  await alice
    .getByRole('region', { name: 'Sound and picture' })
    .getByText(/^Picture from bob: /)
    .waitFor();
  await alice.getByRole('button', { name: 'Close What happened' }).click();
  await hangUp(bob, [alice], 'bob');
  const told = await eventually('the quality being told', () => receiver.received.find(({ body }) => body.data.callId === callId), 20_000);
  expect(told.body).toMatchObject({
    type: 'call.quality',
    data: {
      participants: [
        { userAlias: 'alice', score: expect.any(Number) },
        { userAlias: 'bob', score: expect.any(Number) },
      ],
    },
  });
  expect(receiver.badSignatures).toEqual([]);
  await receiver.stop();
});

test('a second call waits, is answered by hanging up the first, and a third person is added to it', async () => {
  // Three pages on a busy machine take their time to join.
  const patient = await fleet.makeApp({ options: { callWaiting: true } });
  const come = (userAlias: string) => pageOf(browsers, fleet, patient, userAlias);
  const [alice, bob, carol] = await Promise.all([come('alice'), come('bob'), come('carol')]);
  await dial(alice, 'bob');
  await answer(bob);
  await connected(alice);
  await dial(carol, 'bob');
  await carol.getByText('is in another call, and told of this one').waitFor();
  await bob.getByRole('button', { name: 'Hang up and answer' }).click();
  await alice.getByText('bob hung up', { exact: true }).waitFor();
  await connected(carol);
  await carol.getByRole('button', { name: 'People', exact: true }).last().click();
  await carol.getByRole('textbox', { name: 'Add a person' }).fill('alice');
  await carol.getByRole('button', { name: 'Add alice' }).click();
  await answer(alice);
  await bob.getByRole('button', { name: 'People', exact: true }).last().click();
  await bob.getByText('alice: in the call').waitFor();
  await expectMediaBothWays([alice, bob, carol]);
  await carol.getByRole('button', { name: 'Remove bob' }).click();
  await bob.getByText('You were removed from the call').waitFor();
  await hangUp(carol, [], 'carol');
  await alice.getByText(/^The call with .+ is over$/).waitFor();
}, 90_000);

// It takes the time that such a device has: part of check:long.
test.runIf(process.env.NO_WAY_THROUGH)(
  'of a device that cannot get through it is told why',
  async () => {
    const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
    await bob.evaluate(() => {
      const Original = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Original {
        constructor(config?: RTCConfiguration) {
          // There is no relay: as behind a firewall that lets nothing else through.
          super({ ...config, iceTransportPolicy: 'relay' });
        }
        override setConfiguration(config: RTCConfiguration): void {
          super.setConfiguration({ ...config, iceTransportPolicy: 'relay' });
        }
      };
    });
    await dial(alice, 'bob');
    await answer(bob);
    const [room] = await eventually('a room', async () => {
      const rooms = await fleet.query<{ call_id: string }>('media', 'SELECT call_id FROM rooms WHERE app_id = $1 AND closed_at IS NULL', [
        app.appId,
      ]);
      return rooms.length > 0 && rooms;
    });
    const read = <T>(path: string) => fleet.rest<T>('GET', `/v1/calls/${room?.call_id}${path}`, app.key);
    const body = await eventually(
      'why being told',
      async () => {
        const { status, body: told } = await read<QualityView>('/quality');
        return status === 200 && told.participants.some(({ failed }) => failed !== null) && told;
      },
      40_000,
    );
    expect(body.participants).toMatchObject([
      { userAlias: 'alice', failed: null },
      { userAlias: 'bob', failed: 'no_candidates', score: null },
    ]);
  },
  90_000,
);
