/*
 * What happens after an endpoint's making was acknowledged is delivered by every replica, though none asks about endpoints for
 * each event, and nobody tells them. What was stopped is delivered to no more at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AppId, endpointBodySchema } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { EndpointStore } from './endpoint-store.js';
import { seenEverywhereMs, trustedMs } from './known-endpoints.js';

const fleet = new Fleet();
const [one, other] = ['app-1' as AppId, 'app-2' as AppId];
const body = endpointBodySchema.parse({ url: 'https://example.com', eventTypes: ['call.*'] });
let schema: TestSchema;
let statements: string[];

beforeEach(async () => {
  statements = [];
  schema = await TestSchema.migrated(fleet, migrations);
});

afterEach(() => schema.drop());

/** A replica's store, whose statements are noted. */
function replica(before: (text: string) => Promise<unknown> = async () => undefined): EndpointStore {
  const query = async (text: string, values?: unknown[]) => {
    statements.push(text);
    const answer = await schema.query(text, values);
    await before(text);
    return answer;
  };
  const transaction = (work: (tx: { query: typeof query }) => Promise<unknown>) =>
    schema.transaction((tx) => work({ query: tx.query as never }));
  return new EndpointStore(
    { query, transaction } as never,
    { SECRETS_KEY: new KeyRing([{ id: 'a', bytes: Buffer.alloc(32) }]), MAX_ENDPOINTS: 100 } as never,
  );
}

const idsOf = async (store: EndpointStore, ...appIds: AppId[]) => (await store.enabledOf(appIds)).map(({ endpointId }) => endpointId);

test('an app without endpoints costs two statements once, and then none for each event', async () => {
  const store = replica();
  for (let event = 0; event < 100; event += 1) expect(await idsOf(store, one)).toEqual([]);
  expect(statements).toHaveLength(2);
  await sleep(trustedMs + 50);
  await Promise.all(Array.from({ length: 100 }, () => idsOf(store, one, other)));
  const questions = statements.filter((text) => text.includes('endpoint_changes')).length;
  // One for all who wait; where its answer was long on its way, it is good for who asked before it alone.
  expect(questions).toBeGreaterThanOrEqual(2);
  expect(questions).toBeLessThanOrEqual(4);
});

test('a statement that changes thousands of endpoints is one version of all their apps, and one that changes none is no version', async () => {
  const version = async () => (await schema.query<{ version: number }>('SELECT version::int FROM endpoint_version')).rows[0]?.version;
  const apps = async () =>
    (
      await schema.query<{ version: number; count: number }>(
        'SELECT version::int, count(*)::int FROM endpoint_changes GROUP BY 1 ORDER BY 1',
      )
    ).rows;
  await schema.query(
    `INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret)
     SELECT gen_random_uuid(), 'app-' || n % 100, 'https://example.com', '', '{call.*}', '' FROM generate_series(1, 5000) AS n`,
  );
  expect([await version(), await apps()]).toEqual([1, [{ version: 1, count: 100 }]]);
  await schema.query("UPDATE endpoints SET deleted_at = now() WHERE app_id = 'nobody'");
  expect(await version()).toBe(1);
  await schema.query("UPDATE endpoints SET deleted_at = now() WHERE app_id IN ('app-1', 'app-2')");
  expect([await version(), await apps()]).toEqual([
    2,
    [
      { version: 1, count: 98 },
      { version: 2, count: 2 },
    ],
  ]);
});

test('whoever made an endpoint finds it at every replica the moment it is acknowledged, whenever they asked last', async () => {
  const [maker, reader] = [replica(), replica()];
  for (const phaseMs of [0, 90, 180, 270, 360, 450]) {
    // The reader asks right before the endpoint is there, and again all the time.
    let isMaking = true;
    const asking = (async () => {
      while (isMaking) {
        await idsOf(reader, one, other);
        await sleep(7);
      }
    })();
    await sleep(phaseMs);
    const { endpointId } = await maker.make(one, body);
    expect(await idsOf(reader, one)).toContain(endpointId);
    isMaking = false;
    await asking;
  }
}, 20_000);

test('an endpoint that was deleted or stopped is forgotten within a second everywhere', async () => {
  const [maker, reader] = [replica(), replica()];
  const [deleted, disabled] = await Promise.all([maker.make(one, body), maker.make(one, body)]);
  expect(await idsOf(reader, one)).toHaveLength(2);
  await maker.delete(one, deleted.endpointId);
  await maker.disable(disabled.endpointId, 'it answered 410 Gone');
  await sleep(seenEverywhereMs);
  expect(await idsOf(reader, one)).toEqual([]);
});

test('a change during the reading of an app is not lost by what was read before it', async () => {
  let meanwhile: (() => Promise<unknown>) | undefined;
  const reader = replica(async (text) => {
    if (!text.startsWith('SELECT e.*, CASE')) return;
    const change = meanwhile;
    meanwhile = undefined;
    await change?.();
  });
  meanwhile = async () => {
    // The rows of the first app are read and not taken yet, when an endpoint comes, and the reader hears that something changed.
    await replica().make(one, body);
    await idsOf(reader, other);
  };
  expect(await idsOf(reader, one), 'as it was when it was asked').toEqual([]);
  expect(await idsOf(reader, one)).toHaveLength(1);
});

test('a database that answers more slowly than an answer is trusted is asked once, and believed', async () => {
  const reader = replica((text) => (text.includes('endpoint_changes') ? sleep(trustedMs + 100) : Promise.resolve()));
  expect(await idsOf(reader, one)).toEqual([]);
  expect(statements.filter((text) => text.includes('endpoint_changes'))).toHaveLength(1);
});

test('a replica that rests because no app has an endpoint is at work again before one is acknowledged', async () => {
  const [maker, reader] = [replica(), replica()];
  for (const phaseMs of [0, 150, 300, 450]) {
    await schema.query('UPDATE endpoints SET deleted_at = now()');
    await sleep(trustedMs + 50);
    let isAcknowledged = false;
    const making = sleep(phaseMs).then(async () => {
      await maker.make(one, body);
      isAcknowledged = true;
    });
    // As a consumer does: what came is handled, then it rests.
    let rests = 0;
    for (const rest = reader.newRest(); ; rests += 1) {
      const found = await idsOf(reader, one);
      if (found.length > 0) break;
      await rest.over();
      expect(isAcknowledged, `resting ${phaseMs} ms before one is made`).toBe(false);
    }
    expect(rests).toBeGreaterThan(0);
    expect(await idsOf(reader, one)).toHaveLength(1);
    await making;
  }
}, 20_000);
