/*
 * The call-history checker: people call each other on a fleet with two replicas of every service, while its processes are
 * killed, frozen and restarted, connections are cut and Redis is emptied; then what is left is judged, rule by rule.
 *
 * CHECK_SEED repeats the choices of a run, CHECK_MINUTES makes it longer: npm run check:calls -- --minutes 10 --seed 7
 */
import { Fleet, type TestApp } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';
import { judge } from './judge.js';
import { simulate } from './simulation.js';

const fleet = new Fleet();
const seconds = Number(process.env.CHECK_MINUTES ?? 1) * 60;
const seed = Number(process.env.CHECK_SEED ?? Math.floor(Math.random() * 1_000_000));
let mend: (() => Promise<void>) | undefined;

afterEach(async () => {
  await mend?.();
  mend = undefined;
});

test(
  'every rule holds while the fleet is broken again and again',
  async () => {
    console.log(`seed ${seed}: npm run check:calls -- --minutes ${seconds / 60} --seed ${seed}`);
    const evidence = await simulate(fleet, { seed, seconds, users: 8, devicesPerUser: 3, disturb: true });
    const refusals = Map.groupBy(evidence.commands, ({ refused }) => refused ?? 'done');
    console.log(
      `${evidence.log.length} events of ${new Set(evidence.log.map(({ callid }) => callid)).size} calls; ` +
        `${[...refusals].map(([code, list]) => `${code} ${list.length}`).join(', ')}; broken: ${evidence.disturbed.map(({ what }) => what).join(', ')}`,
    );
    expect(judge(evidence)).toEqual([]);
    expect(evidence.log.length, 'something happened').toBeGreaterThan(seconds * 3);
    expect(evidence.disturbed.length, 'something was broken').toBeGreaterThan(2);
  },
  seconds * 1000 + 240_000,
);

/** Breaks a rule of the running calls service, for one app, behind its back: in its tables. */
async function sabotage(app: TestApp, name: string, table: string, event: string, body: string): Promise<void> {
  mend = async () => {
    await fleet.query('calls', `DROP TRIGGER IF EXISTS ${name} ON ${table}`);
    await fleet.query('calls', `DROP FUNCTION IF EXISTS ${name}`);
  };
  await fleet.query(
    'calls',
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body.replaceAll(':app', `'${app.appId}'`)} END $$`,
  );
  await fleet.query('calls', `CREATE TRIGGER ${name} BEFORE ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`);
}

const undisturbed = { seed, seconds: 6, users: 4, devicesPerUser: 2, disturb: false, patienceMs: 8000 };

test('a broken rule is found: an occupancy that is not released', async () => {
  const evidence = await simulate(fleet, {
    ...undisturbed,
    prepare: (app) =>
      sabotage(
        app,
        'never_free',
        'lines',
        'UPDATE',
        'IF NEW.active_call_id IS NULL AND NEW.app_id = :app THEN RETURN OLD; END IF; RETURN NEW;',
      ),
  });
  expect(judge(evidence).map(({ rule }) => rule)).toContain('occupancies, rings and deadlines equal the fold of the log');
}, 120_000);

test('a broken rule is found: events that are never published', async () => {
  const evidence = await simulate(fleet, {
    ...undisturbed,
    prepare: (app) =>
      sabotage(
        app,
        'never_told',
        'outbox',
        'INSERT',
        `IF NEW.event->>'type' = 'call.hung_up' AND NEW.event->>'appid' = :app THEN NEW.published_at = clock_timestamp(); END IF; RETURN NEW;`,
      ),
  });
  const broken = judge(evidence).map(({ rule }) => rule);
  expect(broken).toContain('the topic carries the store, and n+1 never before n');
  expect(broken).toContain('every event reaches the webhook under one id, rightly signed');
}, 120_000);
