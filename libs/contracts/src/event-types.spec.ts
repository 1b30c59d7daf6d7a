/*
 * The catalogue of what endpoints are told: every type that topics carry to them is there, and each example is what its schema says.
 */
import { expect, test } from 'vitest';
import { broadcastEventSchema } from './broadcast-events.js';
import { eventExamples } from './event-examples.js';
import { eventTypeList, eventTypeListSchema, eventTypes } from './event-types.js';
import { callEventSchema, payloadVersions } from './index.js';
import { notificationEventSchema } from './notification-events.js';
import { recordingEventSchema } from './recording-events.js';

test('every type of the log that is told to endpoints is there once, with an example, and nothing else is', () => {
  const types = eventTypes.map(({ type }) => type);
  const told = [
    ...callEventSchema.options.map(({ shape }) => shape.type.value),
    'call.quality',
    'presence.changed',
    'audit.noted',
    ...recordingEventSchema.options.map(({ shape }) => shape.type.value),
    ...broadcastEventSchema.options.map(({ shape }) => shape.type.value),
    ...notificationEventSchema.options.map(({ shape }) => shape.type.value),
  ];
  const ofEndpoints = ['endpoint.disabled', 'message.exhausted', 'endpoint.test'];
  expect(types).toEqual([...told, ...ofEndpoints]);
  expect(Object.keys(eventExamples).toSorted()).toEqual([...told, ...ofEndpoints].toSorted());
});

test.each(eventTypes.map((one) => [one.type, one] as const))(
  'the example of %s is as its schema says, and says all of it',
  (_type, { body, example, since }) => {
    expect(body.strict().safeParse(example).error?.issues).toBeUndefined();
    expect(body.shape.data).toBeDefined();
    const data = (body.shape as { data: typeof body }).data;
    expect(data.strict().safeParse(example.data).error?.issues, 'no field that is not known').toBeUndefined();
    expect(payloadVersions.map(({ name }) => name)).toContain(since);
  },
);

test('what is said of a type is JSON Schema that names the type and its fields', () => {
  const list = eventTypeListSchema.parse(JSON.parse(JSON.stringify(eventTypeList())));
  const ended = list.eventTypes.find(({ type }) => type === 'call.ended');
  expect(ended).toMatchObject({
    payloadVersions: [list.newestPayloadVersion],
    schema: {
      properties: { type: { const: 'call.ended' }, data: { properties: { callId: { type: 'string' }, talkSeconds: { minimum: 0 } } } },
    },
  });
});
