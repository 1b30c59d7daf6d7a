/*
 * An app that trusts bare aliases is made only where the Center allows it, which no Center in production does; and only by the
 * operator.
 */
import { type AppBody, type AppId, appBodySchema, type Subject } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import type { EraseApps } from '../erase-apps/erase-apps.js';
import type { DirectorySettings } from '../settings.js';
import type { AppStore } from './app-store.js';
import { AppsController, requireAdminOf } from './apps.controller.js';

const demo = 'demo' as AppId;
const operator: Subject = { kind: 'operator' };
const keyOf = (appId: string, ...scopes: string[]) => ({ kind: 'key', appId, keyId: 'k', scopes }) as Subject;

function saving(subject: Subject, body: Partial<AppBody>, { isAllowed }: { isAllowed: boolean }) {
  const saved: AppBody[] = [];
  const apps = { save: async (_appId: AppId, said: AppBody) => saved.push(said) } as unknown as AppStore;
  const controller = new AppsController(
    apps,
    { wake: () => undefined } as unknown as EraseApps,
    { ALLOW_BARE_ALIAS: isAllowed } as DirectorySettings,
  );
  return { saved, done: controller.save(subject, demo, appBodySchema.parse({ name: 'Demo', ...body })) };
}

test('an app that trusts a bare alias is made where the Center allows it', async () => {
  const { saved, done } = saving(operator, { trustsBareAlias: true }, { isAllowed: true });
  await done;
  expect(saved).toMatchObject([{ trustsBareAlias: true }]);
});

test('elsewhere it is refused, and nothing of it is saved', async () => {
  const { saved, done } = saving(operator, { trustsBareAlias: true }, { isAllowed: false });
  await expect(done).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('trustsBareAlias') });
  expect(saved).toEqual([]);
});

test('an app that does not trust it is made everywhere, and does not unless told', async () => {
  const { saved, done } = saving(operator, {}, { isAllowed: false });
  await done;
  expect(saved).toMatchObject([{ trustsBareAlias: false }]);
});

test.each([
  ['nobody', { kind: 'nobody' } as Subject],
  ['a user', { kind: 'user', appId: demo, userAlias: 'ann' } as Subject],
  ["an app's admin key", keyOf(demo, 'admin')],
])('%s makes no apps', async (_who, subject) => {
  const { saved, done } = saving(subject, {}, { isAllowed: true });
  await expect(done).rejects.toMatchObject({ code: expect.stringMatching(/unauthenticated|forbidden/) });
  expect(saved).toEqual([]);
});

test('an app is managed by the operator and by its own admin keys, and by nobody else', () => {
  expect(() => requireAdminOf(operator, demo)).not.toThrow();
  expect(() => requireAdminOf(keyOf(demo, 'admin'), demo)).not.toThrow();
  expect(() => requireAdminOf({ kind: 'nobody' }, demo)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
  const others = [keyOf('other', 'admin'), keyOf(demo, 'users', 'calls'), { kind: 'user', appId: demo, userAlias: 'ann' } as Subject];
  for (const subject of others) expect(() => requireAdminOf(subject, demo)).toThrow(expect.objectContaining({ code: 'forbidden' }));
});
