/*
 * A call's end closes its room. A Janus that cannot be reached holds nothing up, since the sweep comes back to it; a database that
 * cannot be reached does, since nobody would.
 */
import type { AnyEvent } from '@communication-center/contracts';
import type { ReactionBatch } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';
import { expect, test } from 'vitest';
import { CloseRoomsOnCallEnded } from './close-rooms-on-call-ended.reaction.js';
import type { Rooms } from './rooms.js';

const callIdOf = (number: number) => `019b7777-0000-7000-8000-${String(number).padStart(12, '0')}`;

function event(type: string, number: number, appid = 'demo'): AnyEvent {
  return {
    specversion: '1.0',
    id: `${type}-${number}`,
    source: '/calls',
    time: '2026-01-01T00:00:00.000Z',
    subject: callIdOf(number),
    appid,
    sequence: 9,
    dataversion: 1,
    type,
    callid: callIdOf(number),
    data: { audience: ['ann', 'ben'], reason: 'hung_up', talkSeconds: 3 },
  } as unknown as AnyEvent;
}

/** Lets it react, with a Janus or database that fails like this. @returns which rooms it closed, and what it told of. */
async function reaction(events: AnyEvent[], fails: (appId: string) => Error | undefined = () => undefined) {
  const closed: [string, readonly string[]][] = [];
  const told: string[] = [];
  const close = async (appId: string, callIds: readonly string[]) => {
    const error = fails(appId);
    if (error) throw error;
    closed.push([appId, callIds]);
  };
  const reacting = new CloseRoomsOnCallEnded({ close } as unknown as Rooms, (error) => told.push(String(error)));
  await reacting.close({ events } as unknown as ReactionBatch);
  return { closed, told };
}

test('the rooms of calls that have ended are closed, app by app, and those of others left alone', async () => {
  const events = [event('call.ended', 1), event('call.hung_up', 2), event('call.ended', 3, 'other'), event('call.ended', 4)];
  expect((await reaction(events)).closed).toEqual([
    ['demo', [callIdOf(1), callIdOf(4)]],
    ['other', [callIdOf(3)]],
  ]);
  expect((await reaction([event('call.ringing', 1)])).closed).toEqual([]);
});

test('a Janus that cannot be reached is told of, and keeps no other app from being served', async () => {
  const away = (appId: string) => (appId === 'demo' ? new ProblemError('media_unavailable') : undefined);
  const { closed, told } = await reaction([event('call.ended', 1), event('call.ended', 2, 'other')], away);
  expect(closed).toEqual([['other', [callIdOf(2)]]]);
  expect(told).toHaveLength(1);
});

test('any other failure goes back to the log, which tries again', async () => {
  const refused = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
  await expect(reaction([event('call.ended', 1)], () => refused)).rejects.toThrow('connection refused');
});
