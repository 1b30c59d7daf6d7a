/* Only what the Center does by itself to an endpoint is written about, and the letter says which, why, and how to go on. */
import type { AppId } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { disabledIn, letterOf } from './contact-letter.js';

const endpointId = '01a212f5-72f3-745f-9835-9b692595a85c';

test.each([
  ['what an owner did', { actor: 'key:k1', act: 'endpoint.disabled', target: `webhooks: ${endpointId}` }],
  [
    'what an owner did, whatever it says',
    { actor: 'key:k1', act: 'endpoint.disabled', target: `webhooks: ${endpointId}: it answered 410 Gone` },
  ],
  ['another act', { actor: 'center', act: 'event.unsendable', target: `webhooks: ${endpointId}: x` }],
  ['what another service told', { actor: 'center', act: 'endpoint.disabled', target: `calls: ${endpointId}: x` }],
])('%s is passed over', (_what, act) => expect(disabledIn(act)).toBeUndefined());

test('an endpoint that the Center disabled is named with the reason', () => {
  const act = { actor: 'center', act: 'endpoint.disabled', target: `webhooks: ${endpointId}: it answered 410 Gone` };
  expect(disabledIn(act)).toEqual({ endpointId, reason: 'it answered 410 Gone' });
});

test('a letter names one or many, and never more than fit', () => {
  const one = { endpointId, reason: 'it answered 410 Gone', at: new Date(0) };
  expect(letterOf('demo' as AppId, [one])).toMatchObject({
    subject: 'A webhook endpoint of demo was disabled',
    text: expect.stringContaining(`- ${endpointId}, 1970-01-01T00:00:00.000Z: it answered 410 Gone`),
  });
  const many = letterOf('demo' as AppId, Array(60).fill(one));
  expect(many.subject).toBe('60 webhook endpoints of demo were disabled');
  expect(many.text).toContain('- and 10 more');
});
