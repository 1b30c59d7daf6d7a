/*
 * A dial whose reply was lost is asked again: it gets that reply, whatever keeps new ones from being made by then.
 */
import type { CommandId, Subject } from '@communication-center/contracts';
import type { Identity, Postgres } from '@communication-center/service';
import { Fleet } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Store } from '../decide-in-groups/store.fixture.js';
import { DirectoryReading } from '../follow-directory/user-settings.js';
import { CallCommands } from './call-commands.js';
import { CallsController } from './calls.controller.js';
import { PublishLag } from './publish-lag.js';

const fleet = new Fleet();
const settings = { DIRECTORY_URL: ['http://127.0.0.1:1'], PUBLISH_LAG_LIMIT_MS: 5000 } as never;
const subject = { kind: 'key', appId: 'app', keyId: 'one', scopes: ['calls'] } as unknown as Subject;
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
  await store.schema.query("INSERT INTO user_settings SELECT 'app', alias, 1, false, false FROM unnest(ARRAY['ann', 'bob']) AS alias");
  await store.schema.query("INSERT INTO app_options VALUES ('app', 1, '{}')");
});
afterEach(() => store.end());

/** A controller as a process makes it that has just started: it remembers no lag. */
function controller(): CallsController {
  const database = store.schema as unknown as Postgres;
  const directory = new DirectoryReading(database, {} as Identity, settings);
  const commands = new CallCommands(store.room, database, directory, new PublishLag(database, settings));
  return new CallsController(commands, {} as never, database);
}

const dial = (commandId: string, more: object = {}) =>
  controller().dial({
    subject,
    body: { userAlias: 'ann', callees: ['bob'], callType: 'audio_video', commandId: commandId as CommandId, ...more } as never,
  });

test('a dial that is repeated gets its first reply while new ones are refused, and when users and options are others', async () => {
  const first = await dial('once');
  await store.schema.query("UPDATE outbox SET created_at = now() - interval '1 minute'");
  await store.schema.query("UPDATE user_settings SET deleted = true WHERE user_alias = 'bob'");
  await store.schema.query(`UPDATE app_options SET options = '{"ringSeconds": 20, "callWaiting": true}'`);
  expect(await dial('once')).toEqual(first);
  await expect(dial('another')).rejects.toMatchObject({ code: 'service_unavailable' });
  await expect(dial('once', { callees: ['cat'] })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
});
