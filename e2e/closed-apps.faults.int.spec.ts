/*
 * What ends with a user or an app ends although whoever ends it is killed in that very moment: nothing of it lies in memory alone.
 */
import { endOf, eventually, Fleet, Phones, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const operator = fleet.state.secrets.operatorKey;
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0, ringSeconds: 120 } });
});
afterEach(() => phones.closeAll());

test('a ring at a deleted user ends although the calls service is killed', async () => {
  await fleet.makeUser(app, 'bob');
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob']);
  const [deleted] = await Promise.all([fleet.rest('DELETE', '/v1/users/bob', app.key), fleet.killAndAwait('calls')]);
  expect(deleted.status).toBe(204);
  expect(await endOf(call, 30_000)).toBe('kicked');
}, 120_000);

test('the calls of a suspended app end although the calls service is killed, and none begins', async () => {
  for (const name of ['bob', 'dave']) await fleet.makeUser(app, name);
  const [alice, carol] = [await phones.connect(app, 'alice'), await phones.connect(app, 'carol')];
  const calls = [await alice.center.call(['bob']), await carol.center.call(['dave'])];
  const [suspended] = await Promise.all([fleet.rest('POST', `/v1/apps/${app.appId}/suspend`, operator), fleet.killAndAwait('calls')]);
  expect(suspended.status).toBe(200);
  const reasons = async () =>
    (
      await fleet.query<{ reason: string | null }>('calls', "SELECT state->>'reason' AS reason FROM calls WHERE app_id = $1", [app.appId])
    ).map(({ reason }) => reason);
  await eventually('all calls being over', async () => (await reasons()).join() === calls.map(() => 'ended_by_server').join(), 30_000);
}, 120_000);

test('a deleted app goes whole although the directory is killed meanwhile', async () => {
  const count = 3000;
  await fleet.query(
    'directory',
    "INSERT INTO users (app_id, user_alias, sequence) SELECT $1, 'u' || number, 1 FROM generate_series(1, $2::int) AS number",
    [app.appId, count],
  );
  expect((await fleet.rest('DELETE', `/v1/apps/${app.appId}`, operator)).status).toBe(204);
  await fleet.killAndAwait('directory');
  const left = async () =>
    (await fleet.query<{ left: number }>('directory', 'SELECT count(*)::int AS left FROM users WHERE app_id = $1', [app.appId]))[0]?.left;
  await eventually('no user being left', async () => (await left()) === 0, 40_000);
  await eventually(
    'the app being erased',
    async () => (await fleet.query('directory', 'SELECT FROM apps WHERE app_id = $1 AND erased_at IS NOT NULL', [app.appId])).length === 1,
    20_000,
  );
  const told = await eventually(
    'every deletion being folded',
    async () => {
      const [row] = await fleet.query<{ known: number }>(
        'calls',
        'SELECT count(*)::int AS known FROM user_settings WHERE app_id = $1 AND NOT deleted',
        [app.appId],
      );
      return row?.known === 0 && 'none is known';
    },
    40_000,
  );
  expect(told).toBe('none is known');
}, 150_000);
