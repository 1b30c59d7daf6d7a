/*
 * Where a device gets out through a TURN server alone, over UDP or over TLS, a call is carried by it, and a test before the call says which of
 * the servers lets this user in: a real coturn, with which the Center shares a secret. For npm run check:long, which sets TURN_URLS and TURN_SECRET.
 */
import type { QualityView } from '@communication-center/contracts/quality';
import { Browsers, eventually, Fleet, type TestApp, TurnServer } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const { TURN_URLS = '', TURN_SECRET: secret = '' } = process.env;
const isSet = secret !== '';
const portOf = (scheme: string) => Number(new RegExp(`(?:^|,)${scheme}:[^:]+:(\\d+)`).exec(TURN_URLS)?.[1]);
const ports = { port: portOf('turn'), tlsPort: portOf('turns') };

const fleet = new Fleet();
let app: TestApp;
let turn: TurnServer;
let browsers: Browsers;

beforeEach(async () => {
  if (!isSet) return;
  app = await fleet.makeApp();
  await fleet.makeUser(app, 'bob');
  turn = await TurnServer.start({ ...ports, secret });
  browsers = new Browsers((program) => turn.trustedBy(program));
});
afterEach(async () => {
  if (!isSet) return;
  await browsers.quit();
  await turn.stop();
});

/** In a page: gets out by a relay alone that is reached so. */
function leaveByRelay(how: string): void {
  const only = (config: RTCConfiguration = {}): RTCConfiguration => {
    const iceServers = (config.iceServers ?? []).map((server) => ({
      ...server,
      urls: [server.urls].flat().filter((url) => (how === 'tls' ? url.startsWith('turns:') : url.startsWith('turn:') && url.endsWith(how))),
    }));
    return { ...config, iceTransportPolicy: 'relay', iceServers: iceServers.filter(({ urls }) => urls.length > 0) };
  };
  const Peer = RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(config?: RTCConfiguration) {
      super(only(config));
    }
    override setConfiguration(config?: RTCConfiguration): void {
      super.setConfiguration(only(config));
    }
  };
}

test.runIf(isSet).each(['udp', 'tls'])(
  'a call of two who get out by a relay alone, over %s, is carried by it',
  async (how) => {
    const open = async (name: string) => {
      const one = await SdkPage.open(browsers, fleet, app, name);
      await one.page.evaluate(leaveByRelay, how);
      return one;
    };
    const [alice, bob] = [await open('alice'), await open('bob')];
    await alice.dial('bob');
    await alice.takeUp('bob');
    await bob.takeUp('alice');
    await bob.answer();
    for (const one of [alice, bob])
      await eventually('sound and pictures', async () => (await one.seen()).frames > 10 && (await one.seen()).packets > 50, 30_000);
    // Each of them sends over one connection, and receives over another.
    expect(turn.allocations).toBeGreaterThanOrEqual(4);
    const callId = await alice.callId;
    const ways = async () => {
      const { participants = [] } = (await fleet.rest<QualityView>('GET', `/v1/calls/${callId}/quality`, app.key)).body;
      return participants.length === 2 && participants.map(({ candidateType }) => candidateType);
    };
    expect(await eventually('figures of both', ways, 15_000)).toEqual(['relay', 'relay']);
  },
  90_000,
);

test.runIf(isSet)(
  'a test before a call tells of each server by each way whether it lets this user in',
  async () => {
    const reached = async (by: Browsers) => {
      const report = await (await SdkPage.open(by, fleet, app, 'alice')).testMedia();
      expect(report.verdict).not.toBe('failed');
      return report.turn.map(({ transport, isReached, ms }) => [transport, isReached && ms !== null]);
    };
    const all = (tls: boolean, others = true) => [
      ['udp', others],
      ['tcp', others],
      ['tls', tls],
    ];
    expect(await reached(browsers)).toEqual(all(true));
    const careful = new Browsers();
    try {
      expect(await reached(careful), 'a certificate that nobody vouches for').toEqual(all(false));
      await turn.stop();
      expect(await reached(careful), 'a server that is away').toEqual(all(false, false));
      turn = await TurnServer.start({ ...ports, secret: `not ${secret}` });
      expect(await reached(careful), 'a server with another secret').toEqual(all(false, false));
    } finally {
      await careful.quit();
    }
  },
  120_000,
);
