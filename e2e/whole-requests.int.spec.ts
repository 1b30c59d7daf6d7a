/*
 * What a server means is done or refused by name: a misspelt field is never left out without a word, and a request that lost its
 * body erases nothing.
 */
import type { Problem, UserView } from '@communication-center/contracts';
import { Fleet, type TestApp } from '@communication-center/testing';
import { beforeAll, describe, expect, test } from 'vitest';

const fleet = new Fleet();
let app: TestApp;
const whole = { name: 'Robert', picture: null, email: 'bob@example.com', phone: '+4915112345678', locale: 'de-AT', doNotDisturb: true };

beforeAll(async () => {
  app = await fleet.makeApp();
});

const asked = (method: string, path: string, body?: unknown) => fleet.rest<Problem & UserView>(method, path, app.key, body);

describe('a field that is not known is refused, with the nearest that is', () => {
  test.each([
    ['POST', '/v1/calls', { userAlias: 'alice', callees: ['bob'], ringSecs: 20 }, 'ringSecs', 'ringSeconds'],
    ['POST', '/v1/calls/01890000-0000-7000-8000-000000000000/decline', { userAlias: 'bob', raison: 'busy' }, 'raison', 'reason'],
    ['PUT', '/v1/users/bob', { fullName: 'Robert' }, 'fullName', 'name'],
    ['PATCH', '/v1/users/bob', { do_not_disturb: true }, 'do_not_disturb', 'doNotDisturb'],
    ['POST', '/v1/user-tokens', { userAlias: 'bob', expiresIn: 60 }, 'expiresIn', 'expiresInSeconds'],
    ['POST', '/v1/webhook-endpoints', { url: 'https://example.com', events: ['call.*'] }, 'events', 'eventTypes'],
    ['GET', '/v1/calls?user=bob', undefined, 'user', 'userAlias'],
    ['GET', '/v1/presence?statuses=busy', undefined, 'statuses', 'status'],
  ])('%s %s', async (method, path, body, field, nearest) => {
    const { status, body: problem } = await asked(method, path, body);
    expect([status, problem.code]).toEqual([400, 'invalid_request']);
    expect(problem.fields?.find((one) => one.field === field)?.message).toContain(nearest);
  });

  test('beside every other fault', async () => {
    const { body } = await asked('POST', '/v1/calls', { userAlias: 'alice', callee: ['bob'] });
    expect(body.fields?.map(({ field }) => field).sort()).toEqual(['callee', 'callees']);
  });

  test('and nothing is done', async () => {
    expect((await asked('GET', '/v1/users/bob')).body.code).toBe('unknown_user');
  });
});

describe('a profile', () => {
  test('is replaced by PUT, and left as it is by a PUT that lost its body', async () => {
    await asked('PUT', '/v1/users/carol', whole);
    const lost = await asked('PUT', '/v1/users/carol');
    expect([lost.status, lost.body.code]).toEqual([400, 'invalid_request']);
    expect((await asked('GET', '/v1/users/carol')).body).toMatchObject(whole);
    await asked('PUT', '/v1/users/carol', { name: 'Carol' });
    const { doNotDisturb } = whole;
    expect((await asked('GET', '/v1/users/carol')).body).toMatchObject({
      name: 'Carol',
      email: null,
      phone: null,
      locale: null,
      doNotDisturb,
    });
  });

  test('is changed in part by PATCH: null erases, and what is left out stays', async () => {
    await asked('PUT', '/v1/users/dave', whole);
    const changed = await asked('PATCH', '/v1/users/dave', { name: 'David', phone: null, doNotDisturb: false });
    expect(changed.body).toMatchObject({ ...whole, name: 'David', phone: null, doNotDisturb: false });
    expect((await asked('PATCH', '/v1/users/dave', {})).body).toMatchObject({ name: 'David', email: whole.email });
    expect((await asked('PATCH', '/v1/users/dave')).status).toBe(400);
    expect((await asked('PATCH', '/v1/users/dave', { email: 'no address' })).body.fields?.[0]?.field).toBe('email');
    expect((await asked('PATCH', '/v1/users/nobody-yet', { name: 'x' })).body.code).toBe('unknown_user');
  });
});
