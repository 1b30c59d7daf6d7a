/*
 * An internal endpoint is for the services that the registry lets ask it, and takes what the contract says: whoever else asks is refused
 * before anything is read, a fault is named, and what only a later release knows is passed over.
 */
import type { Subject } from '@communication-center/contracts';
import { type InternalEndpoint, internal } from '@communication-center/contracts/internal';
import { callersOf, services } from '@communication-center/contracts/services';
import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { expect, test } from 'vitest';
import { InquiryOf, Serves } from './internal-endpoint.js';
import { routesOf } from './routes.js';

class Answering {
  async settings(_inquiry: unknown): Promise<{ users: [] }> {
    return { users: [] };
  }
}
InquiryOf(internal.userSettings)(Answering.prototype, 'settings', 0);
const method = Object.getOwnPropertyDescriptor(Answering.prototype, 'settings') as TypedPropertyDescriptor<() => Promise<{ users: [] }>>;
Serves(internal.userSettings)(Answering.prototype, 'settings', method as never);

/** What the method would get of a request. */
function inquiryOf(subject: Subject, request: object): unknown {
  const args = Reflect.getMetadata(ROUTE_ARGS_METADATA, Answering, 'settings') as Record<
    string,
    { factory: (data: unknown, context: ExecutionContext) => unknown }
  >;
  const context = { switchToHttp: () => ({ getRequest: () => ({ ...request, subject }) }) } as unknown as ExecutionContext;
  return Object.values(args)[0]?.factory(undefined, context);
}

const service: Subject = { kind: 'service', service: 'calls' };
const asked = { params: { appId: 'demo' }, body: { userAliases: ['alice'] } };

test.each([
  { kind: 'operator' },
  { kind: 'nobody' },
  { kind: 'user', appId: 'demo', userAlias: 'alice' },
  { kind: 'key', appId: 'demo', keyId: 'k', scopes: ['admin'] },
] as Subject[])('is not for %j', (subject) => {
  expect(() => inquiryOf(subject, { params: {}, body: { nonsense: true } })).toThrow('for services of the Center');
});

/** Whether a service may ask an endpoint. One that may not hears nothing of what is wrong with its request. */
function isLetAsk(endpoint: InternalEndpoint, name: string): boolean {
  class Asked {}
  Object.defineProperty(Asked.prototype, 'answer', { value: async () => ({}) });
  InquiryOf(endpoint)(Asked.prototype, 'answer', 0);
  const [arg] = Object.values(Reflect.getMetadata(ROUTE_ARGS_METADATA, Asked, 'answer') as Record<string, { factory: Factory }>);
  const request = { subject: { kind: 'service', service: name }, params: { appId: '!' }, body: 'nonsense' };
  const context = { switchToHttp: () => ({ getRequest: () => request }) } as unknown as ExecutionContext;
  try {
    arg?.factory(undefined, context);
    return true;
  } catch (error) {
    const { code } = error as { code: string };
    expect(['forbidden', 'invalid_request']).toContain(code);
    return code !== 'forbidden';
  }
}
type Factory = (data: unknown, context: ExecutionContext) => unknown;

test.each(Object.entries(internal))('%s is for the services whose entries say that they ask it, and for no other', (name, endpoint) => {
  const may = services.filter(({ asks }) => asks.some((one) => one === name)).map((one) => one.name);
  expect(services.map((one) => one.name).filter((one) => isLetAsk(endpoint, one))).toEqual(may);
  // A stranger with a key of its own, the owner itself, and names that objects know.
  for (const other of ['billing', endpoint.service, '', 'constructor', '__proto__'])
    expect(isLetAsk(endpoint, other)).toBe(may.includes(other));
  expect(callersOf(endpoint)).toEqual(may);
  expect(may.length, 'who asks it?').toBeGreaterThan(0);
});

test('gets what the contract says of it, and nothing that only a later release knows', () => {
  expect(inquiryOf(service, { ...asked, body: { ...asked.body, since: 'tomorrow' }, query: { page: '2' } })).toEqual(asked);
});

test('names what is wrong with a path or a body', () => {
  expect(() => inquiryOf(service, { ...asked, params: { appId: 'no app' } })).toThrow('appId');
  expect(() => inquiryOf(service, { ...asked, body: { userAliases: [] } })).toThrow('userAliases');
});

test('has its path, method and status from the contract', () => {
  Reflect.defineMetadata('path', '/', Answering);
  expect(routesOf(Answering)).toMatchObject([{ method: 'POST', path: '/internal/apps/{appId}/user-settings', status: 200 }]);
});
