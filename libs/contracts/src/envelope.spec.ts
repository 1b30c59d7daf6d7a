import { expect, test } from 'vitest';
import { anyEventSchema, enveloped } from './envelope.js';
import type { AppId } from './ids.js';

const told = { type: 'thing.happened', data: { what: 1 } };
const origin = { id: 'e1', source: '/things', at: new Date('2026-01-01T00:00:00.000Z'), subject: 't1', appId: 'app' as AppId, sequence: 1 };

test('what happened is put into an envelope that every reader takes', () => {
  const event = enveloped(told, origin);
  expect(anyEventSchema.parse(event)).toEqual(event);
  expect(event).toMatchObject({ ...told, id: 'e1', time: '2026-01-01T00:00:00.000Z', appid: 'app', sequence: 1, dataversion: 1 });
});

test('a trace goes on in the event it led to; where there is none nothing is said of it', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(enveloped(told, { ...origin, traceparent }).traceparent).toBe(traceparent);
  expect('traceparent' in enveloped(told, { ...origin, traceparent: undefined })).toBe(false);
});
