/* An event that no broker takes stops nobody: its call ends for everyone in it, and all other calls go on. */
import { randomUUID } from 'node:crypto';
import type { AuditList } from '@communication-center/contracts';
import { endOf, eventually, Fleet, Phones, ringOf } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
afterAll(() => phones.closeAll());

test('a call with an event that can never be published ends for an error, and others are dialed meanwhile', async () => {
  const app = await fleet.makeApp();
  const [alice, bob, carol, dave] = [
    await phones.connect(app, 'alice'),
    await phones.connect(app, 'bob'),
    await phones.connect(app, 'carol'),
    await phones.connect(app, 'dave'),
  ];
  const call = await alice.center.call(['bob']);
  const ring = await ringOf(bob);
  await ring.answer();
  await eventually('the call being up', () => call.phase === 'connected');
  const event = {
    specversion: '1.0',
    id: randomUUID(),
    source: '/calls',
    type: 'call.ringing',
    time: new Date().toISOString(),
    subject: call.callId,
    callid: call.callId,
    appid: app.appId,
    sequence: 99,
    dataversion: 1,
    data: { audience: ['x'.repeat(1_500_000)] },
  };
  await fleet.query('calls', "INSERT INTO outbox (topic, key, event) VALUES ('calls.events', $1, $2)", [
    call.callId,
    JSON.stringify(event),
  ]);
  const other = await carol.center.call(['dave']);
  await (await ringOf(dave)).answer();
  await eventually('the other call being up', () => other.phase === 'connected');
  expect([await endOf(call, 20_000), await endOf(ring, 20_000)]).toEqual(['error', 'error']);
  const [row] = await eventually('the event being answered', async () => {
    const text = 'SELECT reason FROM unsendable WHERE key = $1 AND answered_at IS NOT NULL';
    const rows = await fleet.query<{ reason: string }>('calls', text, [call.callId]);
    return rows.length > 0 && rows;
  });
  expect(row?.reason).toBe('MESSAGE_TOO_LARGE');
  // It is on record, with the call that ended for it.
  const { entries } = (await fleet.rest<AuditList>('GET', `/v1/apps/${app.appId}/audit`, app.key)).body;
  const noted = entries.filter(({ act }) => act === 'event.unsendable').map(({ actor, target }) => `${actor} ${target}`);
  expect(noted).toEqual([`center calls: calls.events call.ringing ${call.callId}`]);
  await other.hangUp();
});
