/*
 * An operator compares all that is stored with the topics of an installation: what a topic lacks is found, and sent again.
 * `npm run check:long` does so: it reads all that a run of tests has told.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { endOf, Fleet, Phones, ringOf } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
afterAll(() => phones.closeAll());

/** Runs the command as an operator does. @returns its way out and what it said. */
function checkLog(...args: string[]): Promise<{ code: number; said: string }> {
  const { database, brokers } = fleet.state.servers;
  const env = { ...process.env, PROFILE: 'development', DATABASE_URL: database, KAFKA_BROKERS: brokers };
  const script = new URL('../tools/check-log.mjs', import.meta.url).pathname;
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: `${stdout}${stderr}` }),
    );
  });
}

test.runIf(process.env.EVERY_CHECKER)(
  'an event that the topic lacks is named, sent again on demand, and not missing after that',
  async () => {
    const app = await fleet.makeApp();
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    await (await ringOf(bob)).answer();
    await call.hangUp();
    await endOf(call);
    // A call of five minutes ago that went the same way, and of which nothing was ever told.
    const copy = randomUUID();
    const time = (Date.now() - 300_000).toString(16).padStart(12, '0');
    await fleet.query(
      'calls',
      `INSERT INTO events (call_id, version, event_id, app_id, type, occurred_at, dataversion, data)
     SELECT $2, version, ($3 || '-7000-8000-' || lpad(version::text, 12, '0'))::uuid, app_id, type, occurred_at - interval '5 minutes', dataversion, data
     FROM events WHERE call_id = $1`,
      [call.callId, copy, `${time.slice(0, 8)}-${time.slice(8)}`],
    );
    const found = await checkLog();
    expect(found.said).toContain(`call ${copy}, event 1 `);
    expect(found.said).not.toContain(call.callId);
    expect(found.code).toBe(1);
    expect((await checkLog('--repair')).said).toContain('were given to the outbox again');
    const again = await checkLog();
    expect(again.said).not.toContain(copy);
    // What other tests have left may be missing still: the way out tells.
    expect(again.code).toBe(/ [1-9]\d* missing/.test(again.said) ? 1 : 0);
  },
  120_000,
);
