/*
 * Of what a moderator forbade, Janus takes nothing in: from before the device has the answer by which it can send, through every new
 * negotiation, until it is allowed again. Where Janus does not do so, nothing is answered.
 */
import type { Forbiddable } from '@communication-center/contracts';
import type { VideoRoomHandle } from 'janode/plugins/videoroom';
import { expect, test } from 'vitest';
import { Bans } from '../follow-calls/bans.js';
import { JanusPublication } from './janus-publication.js';

const section = (media: string, mid: string) => `m=${media} 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:${mid}\r\n`;
const answers = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n${section('audio', '0')}${section('video', 'v')}${section('application', '2')}`;

interface Asked {
  jsep?: { sdp: string };
  keyframe?: boolean;
  display?: string;
  descriptions?: object[];
}

/** Janus' end: all that was asked, in order. */
class StandInJanus {
  readonly asked: unknown[] = [];
  readonly feed = 'feed-of-ann';
  sdp = answers;
  /** By which it refuses to moderate a section. */
  refuses: Record<string, number> = {};

  readonly described: object[][] = [];

  async publish({ jsep, descriptions }: { jsep: { sdp: string }; descriptions: object[] }) {
    this.described.push(descriptions);
    this.asked.push(`publish ${jsep.sdp}`);
    return { jsep: { type: 'answer', sdp: this.sdp } };
  }
  async configure({ jsep, keyframe, display, descriptions }: Asked) {
    if (descriptions) this.described.push(descriptions);
    this.asked.push(jsep ? `configure ${jsep.sdp}` : keyframe ? 'keyframe' : `display ${display}`);
    return jsep ? { jsep: { type: 'answer', sdp: this.sdp } } : {};
  }
  async message(body: { mid: string; mute: boolean }) {
    const code = this.refuses[body.mid];
    if (code) throw Object.assign(new Error('refused'), { _code: code });
    this.asked.push(body);
  }
}

function publishing(bans = new Bans()) {
  const janus = new StandInJanus();
  const ask = <T>(answer: Promise<T>) => answer;
  const room = { callId: 'c1', secret: 's' } as never;
  return { janus, bans, publication: new JanusPublication({ ask }, janus as unknown as VideoRoomHandle, room, bans) };
}
const muting = (mid: string, mute = true) => ({ request: 'moderate', room: 'c1', secret: 's', id: 'feed-of-ann', mid, mute });
const banning = (...media: Forbiddable[]) => new Bans(1, media);

test('who may send everything is published, and Janus is asked for nothing more', async () => {
  const { janus, publication } = publishing();
  expect(await publication.publish('offer', 'ann')).toBe(answers);
  expect(janus.asked).toEqual(['publish offer']);
});

test('what is forbidden is muted, by the name Janus has for it, before the answer is given; and again with each negotiation', async () => {
  const { janus, publication } = publishing(banning('audio'));
  let isAnswered = false;
  const published = publication.publish('offer', 'ann').then(() => {
    isAnswered = true;
  });
  janus.message = async (body) => void janus.asked.push([body, isAnswered]);
  await published;
  expect(janus.asked).toEqual(['publish offer', [muting('0'), false]]);
  janus.sdp = `v=0\r\n${section('audio', '7')}${section('audio', '8')}`;
  await publication.publish('another', 'ann');
  expect(janus.asked.slice(2)).toEqual(['configure another', [muting('7'), true], [muting('8'), true]]);
});

test('what is forbidden while it is sent is muted once; allowed again, it comes with a key frame', async () => {
  const { janus, bans, publication } = publishing();
  await publication.publish('offer', 'ann');
  bans.take(4, { media: ['audio', 'video'], isForbidden: true });
  await publication.obey();
  await publication.obey();
  bans.take(5, { media: ['video'], isForbidden: false });
  await publication.obey();
  bans.take(6, { media: ['audio'], isForbidden: false });
  await publication.obey();
  expect(janus.asked.slice(1)).toEqual([muting('0'), muting('v'), muting('v', false), 'keyframe', muting('0', false)]);
});

test('where Janus does not mute, there is no answer; a section that it has not is none to mute', async () => {
  const refused = publishing(banning('audio', 'video'));
  refused.janus.refuses = { v: 433 };
  await expect(refused.publication.publish('offer', 'ann')).rejects.toThrow('refused');
  const lacking = publishing(banning('audio', 'video'));
  lacking.janus.refuses = { '0': 428 };
  expect(await lacking.publication.publish('offer', 'ann')).toBe(answers);
  expect(lacking.janus.asked).toEqual(['publish offer', muting('v')]);
});

test('what carries a screen is named to Janus, in the first offer and in later ones over the same connection; forbidden pictures include it', async () => {
  const { janus, bans, publication } = publishing();
  await publication.publish('offer', 'ann');
  janus.sdp = `v=0\r\n${section('audio', '0')}${section('video', 'v')}${section('video', '2')}`;
  await publication.publish('another', 'ann', ['2', '3']);
  const ofScreen = [
    { mid: '2', description: 'screen' },
    { mid: '3', description: 'screen' },
  ];
  expect([janus.described, janus.asked]).toEqual([
    [[], ofScreen],
    ['publish offer', 'configure another'],
  ]);
  bans.take(4, { media: ['video'], isForbidden: true });
  await publication.obey();
  expect(janus.asked.slice(2)).toEqual([muting('v'), muting('2')]);
});

test('others are told of it once it is published', async () => {
  const { janus, publication } = publishing();
  await publication.tell('early');
  await publication.publish('offer', 'ann');
  await publication.tell('ann, quiet');
  expect(janus.asked).toEqual(['publish offer', 'display ann, quiet']);
});
