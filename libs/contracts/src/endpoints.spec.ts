/*
 * What an endpoint may wish, and what is refused by name; and a body of a client from before says what it always said.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endpointBodySchema, endpointLimits, endpointPatchSchema, fieldsOf, newestPayloadVersion, unknownFields } from './index.js';

const url = 'https://example.org/hook';
const faultsOf = (body: object, schema: typeof endpointBodySchema | typeof endpointPatchSchema = endpointBodySchema) => {
  const { error } = schema.safeParse({ url, ...body });
  return error ? fieldsOf(error).map(({ field }) => field) : [];
};

test('a body of before means what it meant', () => {
  const told = endpointBodySchema.parse({ url, description: 'd', eventTypes: ['call.ended', 'presence.*', 'not_yet.there'] });
  expect(told).toEqual({
    url,
    description: 'd',
    eventTypes: ['call.ended', 'presence.*', 'not_yet.there'],
    filters: {},
    headers: {},
    authentication: null,
    clientCertificate: null,
    timeoutMs: null,
    ratePerSecond: null,
    concurrency: null,
    ordering: 'per_subject',
    payloadVersion: newestPayloadVersion,
    bodyFormat: 'standard_webhooks',
    signature: 'v1',
  });
  expect(endpointBodySchema.parse({ url })).toMatchObject({ description: '', eventTypes: ['call.*'] });
});

test('a patch changes what it names and nothing else', () => {
  expect(endpointPatchSchema.parse({})).toEqual({});
  expect(endpointPatchSchema.parse({ timeoutMs: null, filters: {} })).toEqual({ timeoutMs: null, filters: {} });
  expect(unknownFields(endpointPatchSchema, { signature: 'v1a' }).map(({ field }) => field)).toEqual(['signature']);
});

test.each([
  'Host',
  'Content-Length',
  'content-type',
  'Connection',
  'Keep-Alive',
  'Proxy-Authorization',
  'TE',
  'Trailer',
  'transfer-encoding',
  'Upgrade',
  'Expect',
  'User-Agent',
  'Webhook-Signature',
  'WEBHOOK-ID',
  'Authorization',
  'bad name',
  'bad\r\nname',
  ':authority',
])('the header %j is refused by name', (name) => {
  expect(faultsOf({ headers: { [name]: 'x' } }).join()).toContain('headers');
});

test('headers are letters that a request can hold, in bounds', () => {
  expect(faultsOf({ headers: { 'X-Tenant': 'blue', traceparent: '00-1-2-01', Cookie: 'a=b; c=d' } })).toEqual([]);
  for (const value of ['a\r\nb: c', 'ü', ' x', 'x ', 'a\0', '\x7f'])
    expect([value, faultsOf({ headers: { a: value } })]).toEqual([value, ['headers.a']]);
  expect(faultsOf({ headers: { 'X-A': '1', 'x-a': '2' } })).toEqual(['headers']);
  const many = Object.fromEntries(Array.from({ length: endpointLimits.headers + 1 }, (_, index) => [`x-${index}`, 'v']));
  expect(faultsOf({ headers: many })).toEqual(['headers']);
  expect(faultsOf({ headers: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, 'v'.repeat(1000)])) })).toEqual(['headers']);
});

test('no header that is taken can end the line it is in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
      const { data } = endpointBodySchema.safeParse({ url, headers: { [name]: value } });
      for (const [given, said] of Object.entries(data?.headers ?? {})) expect(`${given}: ${said}`).toMatch(/^[\x20-\x7e]*$/);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [{ authentication: { type: 'bearer', token: 'a b' } }, 'authentication.token'],
  [{ authentication: { type: 'basic', username: 'a:b', password: '' } }, 'authentication.username'],
  [{ authentication: { type: 'basic', username: 'a', password: 'p', realm: 'x' } }, 'authentication'],
  [{ clientCertificate: { certificate: 'x', privateKey: 'y' } }, 'clientCertificate.certificate'],
  [{ timeoutMs: 10 }, 'timeoutMs'],
  [{ ratePerSecond: 0 }, 'ratePerSecond'],
  [{ concurrency: 0 }, 'concurrency'],
  [{ ordering: 'sometimes' }, 'ordering'],
  [{ payloadVersion: '2020-01-01' }, 'payloadVersion'],
  [{ bodyFormat: 'xml' }, 'bodyFormat'],
  [{ filters: { userAliases: [] } }, 'filters.userAliases'],
  [{ filters: { callTypes: ['fax'] } }, 'filters.callTypes.0'],
  [{ filters: { customData: { a: { nested: 1 } } } }, 'filters.customData.a'],
  [{ eventTypes: ['**'] }, 'eventTypes.0'],
])('%j is refused by name', (body, field) => {
  expect(faultsOf(body)).toContain(field);
});
