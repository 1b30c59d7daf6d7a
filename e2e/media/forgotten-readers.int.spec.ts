/* Media hear of each user who is deleted, and of who gets the alias: what was recorded under it before is not theirs. */
import { eventually, Fleet } from '@communication-center/testing';
import { expect, test } from 'vitest';

const fleet = new Fleet();

test('an alias is nobody’s once its user is deleted, and then of whoever is made anew, from that time on', async () => {
  const app = await fleet.makeApp();
  for (const name of ['alice', 'bob']) await fleet.makeUser(app, name);
  await fleet.query(
    'media',
    `INSERT INTO recordings (recording_id, call_id, app_id, state, wanted, heard, started_at, expires_at)
     VALUES (gen_random_uuid(), gen_random_uuid(), $1, 'failed', 'stopped', 1, now(), now() + interval '1 hour')`,
    [app.appId],
  );
  const known = async () =>
    fleet.query<{ user_alias: string; until: string }>('media', 'SELECT user_alias, until::text FROM forgotten_readers WHERE app_id = $1', [
      app.appId,
    ]);
  expect((await fleet.rest('DELETE', '/v1/users/alice', app.key)).status).toBe(204);
  await eventually('alice being nobody', async () => (await known()).some(({ until }) => until === 'infinity'));
  const before = Date.now();
  await fleet.makeUser(app, 'alice');
  const row = await eventually('alice being somebody', async () => (await known()).find(({ until }) => until !== 'infinity'));
  expect(row.user_alias).toBe('alice');
  expect(Math.abs(Date.parse(row.until) - before)).toBeLessThan(30_000);
  expect(await known()).toHaveLength(1);
});
