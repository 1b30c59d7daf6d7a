/*
 * A replica asks its database for nothing before it knows what has ended, and then first of all which rings there are.
 */
import type { CallEvent } from '@communication-center/contracts';
import { expect, test, vi } from 'vitest';
import { silentLog } from '../channels/channels.fixture.js';
import type { Ring } from '../domain/rings.js';
import { PushRings } from './push-rings.js';

const settings = { PUSH_CONCURRENCY: 4, PUSH_WAITING: 100, PUSH_UNCONFIRMED_MS: 2000 };

test('rings for which there is no room while the database is away are taken anew once it is back, but for those that ended', async () => {
  const written: string[] = [];
  let isAway = true;
  const query = async (text: string, [json]: string[] = []) => {
    if (isAway) throw new Error('away');
    if (text.includes('begin_rings')) written.push(...(JSON.parse(json ?? '[]') as Ring[]).map(({ callId }) => callId));
    return { rows: [], rowCount: 0 };
  };
  const report = vi.fn();
  const made = [
    { of: () => ({ query }) },
    { hasApp: () => true, tellsRings: () => false, tellingRings: [] },
    {},
    {},
    {},
    {},
    settings,
    silentLog,
    report,
  ];
  const rings = new PushRings(...(made as unknown as ConstructorParameters<typeof PushRings>));
  const event = (type: string, callid: string, sequence: number, data: object) =>
    ({
      type,
      callid,
      sequence,
      appid: 'demo',
      time: new Date().toISOString(),
      data: { audience: ['bob'], ...data },
    }) as unknown as CallEvent;
  const dialed = (callId: string) =>
    event('call.dialed', callId, 1, { initiator: 'a', initiatorDevice: 'd', callees: ['bob'], callType: 'audio_only', ringSeconds: 60 });
  const ended = (callId: string) => event('call.ended', callId, 2, { reason: 'cancelled', talkSeconds: 0 });
  const all = Array.from({ length: 20_003 }, (_, index) => `call ${index}`);
  const takenAnew = vi.fn(() => {
    for (const callId of ['call 1', ...all.slice(20_000)]) rings.take(dialed(callId));
  });
  rings.onRoom(takenAnew);
  rings.begin();
  for (const callId of all) rings.take(dialed(callId));
  rings.take(ended('call 1'));
  rings.take(ended('call 20001'));
  expect(rings.figures).toMatchObject({ waiting: 19_999, leftOut: 3 });
  isAway = false;
  await vi.waitFor(() => expect(written.length).toBe(20_001), 3000);
  expect(takenAnew).toHaveBeenCalledTimes(1);
  expect(new Set(written)).toEqual(new Set(all.filter((callId) => callId !== 'call 1' && callId !== 'call 20001')));
  await rings.beforeApplicationShutdown();
});

test('nothing is taken over before a replica may begin', async () => {
  const asked: string[] = [];
  const query = async (text: string) => {
    asked.push(/takeOver|claims_left - 1/.test(text) ? 'take over' : text.trim().slice(0, 15));
    return { rows: [], rowCount: 0 };
  };
  const database = { of: () => ({ query }) };
  const report = vi.fn();
  const made = [
    database,
    { hasApp: () => true, tellsRings: () => false, tellingRings: [] },
    {},
    {},
    {},
    {},
    settings,
    silentLog,
    report,
  ] as unknown as ConstructorParameters<typeof PushRings>;
  const rings = new PushRings(...made);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked).toEqual([]);
  rings.begin();
  await vi.waitFor(() => expect(asked.toSorted()).toEqual(['SELECT DISTINCT', 'take over']));
  await rings.beforeApplicationShutdown();
  expect(report).not.toHaveBeenCalled();
});
