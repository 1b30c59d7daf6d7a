import { expect, test } from 'vitest';
import { toldBody } from './told-body.js';

const plain = { payloadVersion: '2026-11-28', bodyFormat: 'standard_webhooks' } as const;

test('what an endpoint wants as it is goes on byte for byte', () => {
  const odd = '{ "type": "call.ended",\n "data": {"sequence": 1.0} }';
  expect(toldBody('id', odd, plain).body).toBe(odd);
});

test.each([
  ['presence.changed', { userAlias: 'bob' }, '/presence', 'bob'],
  ['audit.noted', { entryId: 'e-1' }, '/directory', 'e-1'],
  ['endpoint.test', { endpointId: 'p-1' }, '/webhooks', 'p-1'],
  ['later.thing', {}, '/webhooks', undefined],
])('%s as a CloudEvent says whence it comes and what it is about', (type, about, source, subject) => {
  const body = JSON.stringify({ type, timestamp: '2026-11-28T09:30:00.000Z', data: { appId: 'demo', sequence: 3, ...about } });
  const event = JSON.parse(toldBody('id', body, { ...plain, bodyFormat: 'cloudevents' }).body);
  expect(event).toMatchObject({ id: 'id', type, source, data: about });
  expect(event.subject).toBe(subject);
});
