/*
 * A checker that finds nothing proves nothing: rules are broken in the running calls service, and must be found. `npm run check:long` does
 * so, as it checks most.
 */
import { Fleet, type TestApp } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';
import { judge } from './judge.js';
import { simulate } from './simulation.js';

const fleet = new Fleet();
let mend: (() => Promise<void>) | undefined;

afterEach(async () => {
  await mend?.();
  mend = undefined;
});

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

const undisturbed = { seed: 1, seconds: 6, users: 4, devicesPerUser: 2, disturb: false, patienceMs: 8000 };

test.runIf(process.env.EVERY_CHECKER)(
  'a broken rule is found: an occupancy that is not released',
  async () => {
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
  },
  120_000,
);

test.runIf(process.env.EVERY_CHECKER)(
  'a broken rule is found: events that are never published',
  async () => {
    const evidence = await simulate(fleet, {
      ...undisturbed,
      prepare: (app) =>
        sabotage(
          app,
          'never_told',
          'outbox',
          'INSERT',
          // The last event of a call: what is lacking before another is found and repaired.
          `IF NEW.event->>'type' = 'call.ended' AND NEW.event->>'appid' = :app THEN RETURN NULL; END IF; RETURN NEW;`,
        ),
    });
    const broken = judge(evidence).map(({ rule }) => rule);
    expect(broken).toContain('the topic carries the store, and n+1 never before n');
    expect(broken).toContain('every event reaches the webhook under one id, rightly signed');
  },
  120_000,
);
