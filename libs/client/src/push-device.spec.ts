/*
 * A device says where it is pushed to with the token of its user; a sign-out takes that back, and closing does not.
 */
import type { DeviceId, PushTarget } from '@communication-center/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PushDevice } from './push-device.js';
import { Rest } from './rest.js';

let fetched: ReturnType<typeof vi.fn<(url: URL, init: RequestInit) => Promise<Response>>>;

beforeEach(() => {
  fetched = vi.fn();
  vi.stubGlobal('fetch', fetched);
});
afterEach(() => vi.unstubAllGlobals());

const device = () => new PushDevice(new Rest('https://center.example.com', async () => 'a-token'), 'phone 1' as DeviceId);
const target: PushTarget = { kind: 'apns_voip', token: 'a'.repeat(64), environment: 'production' };
const view = {
  registrationId: '019b7777-0000-7000-8000-000000000001',
  userAlias: 'bob',
  deviceId: 'phone-1',
  kind: 'apns_voip',
  environment: 'production',
  tokenEnding: 'aaaaaa',
  registeredAt: '2026-11-28T10:00:00.000Z',
  seenAt: '2026-11-28T10:00:00.000Z',
};

test('registers, lists and forgets its own', async () => {
  fetched.mockImplementation(async (_url, { method }) => {
    if (method === 'DELETE') return new Response(null, { status: 204 });
    return new Response(JSON.stringify(method === 'POST' ? view : { registrations: [view] }));
  });
  expect(await device().register(target)).toEqual(view);
  expect(await device().registrations()).toEqual([view]);
  await device().forget();
  const asked = fetched.mock.calls.map(([url, { method = 'GET', headers }]) => [
    method,
    url.pathname + url.search,
    (headers as Record<string, string>).authorization,
  ]);
  expect(asked).toEqual([
    ['POST', '/v1/push-registrations', 'Bearer a-token'],
    ['GET', '/v1/push-registrations?deviceId=phone+1', 'Bearer a-token'],
    ['DELETE', '/v1/push-registrations?deviceId=phone+1', 'Bearer a-token'],
  ]);
  expect(JSON.parse(String(fetched.mock.calls[0]?.[1].body))).toEqual({ deviceId: 'phone 1', target });
});

test('a Center that cannot be reached is told of, so that nobody believes in a sign-out that was none', async () => {
  fetched.mockRejectedValue(new TypeError('fetch failed'));
  await expect(device().forget()).rejects.toMatchObject({ code: 'service_unavailable' });
});
