/*
 * A call whose every packet of media, each way and at each device, is late by 300 ms, and of which one in twenty is lost, stays: both see the
 * other's pictures go on, nobody is told that anybody is away, nothing is joined anew, and what is told of its quality says how it was. All of it
 * goes through a UDP proxy, since neither the devices nor Janus are told another way. For npm run check:long.
 */
import type { QualityView } from '@communication-center/contracts/quality';
import { addressHere, Browsers, eventually, Fleet, LossyPath } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

const weather = { lossPercent: 5, delayMs: 300 };
const lookedAtMs = 30_000;
/** A key frame that was lost is asked for again, over a way of 600 ms that loses that as well. */
const longestGapMs = 8000;

declare function portTo(address: string, port: number): Promise<number>;

/** In a page: has the ways to Janus lead through the proxy, and does not tell Janus of any to this page. */
function leadThrough(here: string): void {
  const peer = RTCPeerConnection.prototype;
  const describe = peer.setRemoteDescription as (told: RTCSessionDescriptionInit) => Promise<void>;
  peer.setRemoteDescription = async function (this: RTCPeerConnection, told: RTCSessionDescriptionInit) {
    let { sdp = '' } = told;
    for (const [line, address = '', port] of sdp.matchAll(/^a=candidate:\S+ \d+ udp \d+ (\S+) (\d+) .*$/gim))
      sdp = sdp.replace(line, line.replace(` ${address} ${port} `, ` ${here} ${await portTo(address, Number(port))} `));
    return describe.call(this, { ...told, sdp });
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    const frame = JSON.parse(String(data)) as { type: string; candidate?: unknown; sdp?: string };
    if (frame.type === 'candidate' && frame.candidate) return;
    if (frame.sdp) frame.sdp = frame.sdp.replace(/^a=candidate:.*\r\n/gm, '');
    send.call(this, JSON.stringify(frame));
  };
}

test.runIf(process.env.LOSSY_PATH === 'true')(
  'a call over a network that loses one packet in twenty and holds up the others stays',
  async () => {
    const path = new LossyPath(addressHere(), weather);
    const app = await fleet.makeApp();
    await fleet.makeUser(app, 'bob');
    const open = async (name: string) => {
      const one = await SdkPage.open(browsers, fleet, app, name);
      await one.page.exposeFunction('portTo', (address: string, port: number) => path.portTo(address, port));
      await one.page.evaluate(leadThrough, addressHere());
      return one;
    };
    const [alice, bob] = [await open('alice'), await open('bob')];
    const both = [alice, bob];
    await alice.dial('bob');
    await alice.takeUp('bob');
    await bob.takeUp('alice');
    const began = Date.now();
    await bob.answer();
    await eventually(
      'pictures both ways',
      async () => (await Promise.all(both.map((one) => one.seen()))).every(({ frames }) => frames > 3),
      60_000,
    );
    const setUpMs = Date.now() - began;
    const connections = await Promise.all(both.map((one) => one.connections()));
    const callId = await alice.callId;
    const last = both.map(() => ({ frames: 0, at: Date.now(), longest: 0 }));
    for (const end = Date.now() + lookedAtMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 200)))
      for (const [index, one] of both.entries()) {
        const before = last[index] as (typeof last)[number];
        const { frames, phase, link } = await one.seen();
        expect([phase, link]).toEqual(['connected', 'connected']);
        before.longest = Math.max(before.longest, Date.now() - before.at);
        if (frames > before.frames) Object.assign(before, { frames, at: Date.now() });
      }
    for (const { longest } of last) expect(longest).toBeLessThan(longestGapMs);
    for (const one of both) expect((await one.seen()).reached?.map(([reach]) => reach).at(-1)).toBe('here');
    expect(await Promise.all(both.map((one) => one.connections())), 'nothing was joined anew').toEqual(connections);
    const { participants } = (await fleet.rest<QualityView>('GET', `/v1/calls/${callId}/quality`, app.key)).body;
    const { passed, lost } = path.packets;
    const share = (100 * lost) / (passed + lost);
    const told = participants.map(({ userAlias, roundTripMs, lossPercent, score, frozenMs }) => ({
      userAlias,
      roundTripMs,
      lossPercent,
      score,
      frozenMs,
    }));
    console.log(
      `up in ${setUpMs} ms; ${passed + lost} packets, ${share.toFixed(1)} % lost; no picture for ${last.map(({ longest }) => longest).join(' and ')} ms; ${JSON.stringify(told)}`,
    );
    expect(passed).toBeGreaterThan(2000);
    expect(Math.abs(share - weather.lossPercent)).toBeLessThan(1.5);
    expect(told.map(({ userAlias }) => userAlias).sort()).toEqual(['alice', 'bob']);
    for (const { roundTripMs, lossPercent, score } of told) {
      expect(Math.abs((roundTripMs ?? 0) - 2 * weather.delayMs)).toBeLessThan(100);
      // Of what was lost on the way to Janus, and from it, some is sent again in time.
      expect(lossPercent).toBeGreaterThan(1);
      expect(lossPercent).toBeLessThan(15);
      expect(score).toBeLessThan(4);
    }
    path.close();
  },
  180_000,
);
