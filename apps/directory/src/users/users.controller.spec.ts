/*
 * Whose settings may be read and changed by whom: a key those of every user of its app, a user its own, and nobody another app's.
 */
import type { AppId, Subject, UserAlias, UserBody } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import type { AppStore } from '../apps/app-store.js';
import type { UserStore } from './user-store.js';
import { UsersController } from './users.controller.js';

const [ann, ben] = ['ann' as UserAlias, 'ben' as UserAlias];
const user: Subject = { kind: 'user', appId: 'demo' as AppId, userAlias: ann };
const key = (...scopes: string[]) => ({ kind: 'key', appId: 'demo', keyId: 'k', scopes }) as Subject;
const nobody: Subject = { kind: 'nobody' };
const operator: Subject = { kind: 'operator' };
const service: Subject = { kind: 'service', service: 'calls' };
const body = { name: null } as UserBody;

/** Each act on ben, of whichever app the subject is of. */
const acts = {
  'save him': (users: UsersController, by: Subject) => users.save(by, ben, body),
  'change him': (users: UsersController, by: Subject) => users.change(by, ben, { name: null }),
  'read him': (users: UsersController, by: Subject) => users.get(by, ben),
  'set his wish': (users: UsersController, by: Subject) => users.setDoNotDisturb(by, ben, { doNotDisturb: true }),
  'delete him': (users: UsersController, by: Subject) => users.delete(by, ben),
};
type Act = keyof typeof acts;
const everyAct = Object.keys(acts) as Act[];

/** Carries an act out. @returns what the store was asked to do. */
async function done(act: Act | ((users: UsersController) => Promise<unknown>), by: Subject = nobody): Promise<string[]> {
  const asked: string[] = [];
  const store = new Proxy({} as UserStore, {
    get: (_store, what) => async (appId: AppId, userAlias: UserAlias) => void asked.push(`${String(what)} ${appId}/${userAlias}`),
  });
  const controller = new UsersController({} as AppStore, store, { PROFILE: 'production' });
  await (typeof act === 'string' ? acts[act](controller, by) : act(controller));
  return asked;
}

test.each(everyAct)('a key with the scope may %s, and one that lacks it may not', async (act) => {
  const asked = await done(act, key('users'));
  expect(asked).toEqual([expect.stringContaining('demo/ben')]);
  expect(await done(act, key('admin'))).toEqual(asked);
  await expect(done(act, key('calls', 'presence'))).rejects.toMatchObject({ code: 'forbidden' });
});

test.each(everyAct)('another user may not %s', async (act) => {
  await expect(done(act, user)).rejects.toMatchObject({ code: 'forbidden' });
});

test.each([
  ['nobody', nobody, 'unauthenticated'],
  ['the operator, who has no app,', operator, 'forbidden'],
  ['a service', service, 'forbidden'],
])('%s does none of it', async (_who, by, code) => {
  for (const act of everyAct) await expect(done(act, by), act).rejects.toMatchObject({ code });
});

test('a user reads itself and sets its own wish, in its own app', async () => {
  expect(await done((users) => users.get(user, ann))).toEqual(['get demo/ann']);
  expect(await done((users) => users.setDoNotDisturb(user, ann, { doNotDisturb: true }))).toEqual(['setDoNotDisturb demo/ann']);
});

test.each(['http://example.org/ben.png', 'https://ben:secret@example.org/ben.png'])(
  'a picture at %s is refused by name',
  async (picture) => {
    const refusal = { code: 'invalid_request', fields: [{ field: 'picture', message: expect.any(String) }] };
    await expect(done((users) => users.save(key('users'), ben, { ...body, picture }))).rejects.toMatchObject(refusal);
    await expect(done((users) => users.change(key('users'), ben, { picture }))).rejects.toMatchObject(refusal);
  },
);
