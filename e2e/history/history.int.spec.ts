/*
 * However long the history, a question reads what it is about: every statement of the product, run on an app with HISTORY_CALLS
 * calls in the past, is planned with an index, and reads less than 1,000 rows for one user or event.
 */
import { readFileSync } from 'node:fs';
import { eventually, Fleet, Phones, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Everything } from './everything.js';
import { growHistory, tableRows } from './grow.js';
import { judgePlans } from './judge-plans.js';
import { PlanLog } from './plans.js';

const fleet = new Fleet();
const phones = new Phones(fleet);
const plans = new PlanLog(fleet);
/** Set by npm run check:history: it takes minutes to make them. */
const pastCalls = Number(process.env.HISTORY_CALLS ?? 0);
/** Long ago: these, and many like them. */
const past: [string, string, string] = ['past-ann', 'past-bob', 'past-cat'];
const present: [string, string, string] = ['now-ann', 'now-bob', 'now-cat'];
let app: TestApp;
let receiver: WebhookReceiver;
let rows: Map<string, number>;

beforeAll(async () => {
  if (pastCalls === 0) return;
  app = await fleet.makeApp();
  receiver = await WebhookReceiver.start();
  const everything = new Everything(fleet, phones, app, receiver);
  await everything.users(past);
  await everything.endpoint();
  const made = await everything.calls(past);
  await everything.devices([past[0], past[1]]);
  await isQuiet();
  await growHistory(fleet, app.appId, Math.ceil(pastCalls / (made.length + 1)));
  rows = await tableRows(fleet);
}, 3_600_000);

afterEach(() => phones.closeAll());
afterAll(async () => {
  if (pastCalls === 0) return;
  await plans.stop();
  await receiver.stop();
}, 120_000);

/** Nothing of the short history is under way: copies of it mean no work. */
async function isQuiet(): Promise<void> {
  await eventually(
    'all calls being over and told of',
    async () => {
      const open = await fleet.query('calls', "SELECT FROM call_history WHERE app_id = $1 AND status <> 'ended'", [app.appId]);
      const pending = await fleet.query('webhooks', "SELECT FROM undelivered WHERE app_id = $1 AND state <> 'failed'", [app.appId]);
      const sessions = await fleet.query('presence', 'SELECT FROM device_sessions WHERE app_id = $1 AND closed_at IS NULL', [app.appId]);
      return open.length + pending.length + sessions.length === 0;
    },
    30_000,
  );
}

test.skipIf(pastCalls === 0)(
  'every question and every event reads by an index, and no more than it needs',
  async () => {
    await plans.start();
    const everything = new Everything(fleet, phones, app, receiver);
    await everything.users([...present, 'past-new']);
    const removeEndpoint = await everything.endpoint();
    const [made = ''] = await everything.calls(present);
    await everything.calls(past);
    await everything.devices([present[0], present[1]]);
    await everything.devices([past[0], past[1]]);
    await everything.reads(past[0], made);
    await everything.reads(present[0], made);
    await everything.keeping();
    await isQuiet();
    await removeEndpoint();
    expect(everything.refused).toEqual([]);
    expect(unaskedOf(everything.asked)).toEqual([]);
    const ran = plans.read();
    expect(ran.length).toBeGreaterThan(500);
    // What the planner takes for their number.
    for (const table of ['calls.events', 'calls.call_history', 'webhooks.messages'])
      expect(rows.get(table), table).toBeGreaterThan(0.99 * pastCalls);
    expect(judgePlans(ran, rows)).toEqual([]);
  },
  300_000,
);

/** @returns what the public door offers apps and their users, and was not asked. */
function unaskedOf(asked: ReadonlySet<string>): string[] {
  const file = new URL('../../docs/protocol/openapi.json', import.meta.url);
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as { paths: Record<string, Record<string, unknown>> };
  const offered = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  return offered.filter((one) => !asked.has(one) && !one.endsWith('/stream') && !one.includes('/v1/operations/'));
}
