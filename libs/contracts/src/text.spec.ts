/*
 * What no database keeps is refused by the name of its field, wherever text comes in; and no event outgrows the log.
 */
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { createCallBodySchema } from './call-commands.js';
import { callDialedSchema } from './call-events.js';
import { callListQuerySchema } from './call-records.js';
import { callLimits } from './call-terms.js';
import { apiKeyBodySchema, appBodySchema, userBodySchema, userSavedSchema } from './directory.js';
import { endpointBodySchema } from './endpoints.js';
import { userAliasSchema } from './ids.js';
import { mediaClientFrameSchema } from './media-protocol.js';
import { presenceListQuerySchema } from './presence.js';
import { fieldsOf } from './problems.js';
import { clientFrameSchema } from './socket-protocol.js';

const call = { userAlias: 'alice', callees: ['bob'] };
const frame = { id: 1, commandId: 'command-1', callees: ['bob'] };

const doors: [field: string, schema: z.ZodType, input: (bad: string) => object][] = [
  ['userAlias', createCallBodySchema, (bad) => ({ ...call, userAlias: `a${bad}b` })],
  ['callees.0', createCallBodySchema, (bad) => ({ ...call, callees: [`a${bad}b`] })],
  ['deviceId', createCallBodySchema, (bad) => ({ ...call, deviceId: `a${bad}b` })],
  ['commandId', createCallBodySchema, (bad) => ({ ...call, commandId: `command-${bad}` })],
  ['customData', createCallBodySchema, (bad) => ({ ...call, customData: { deep: [{ value: `a${bad}` }] } })],
  ['customData', createCallBodySchema, (bad) => ({ ...call, customData: { deep: { [`key${bad}`]: 1 } } })],
  ['id', clientFrameSchema, (bad) => ({ type: 'dial', ...frame, id: bad })],
  ['customData', clientFrameSchema, (bad) => ({ type: 'dial', ...frame, customData: { [bad]: 1 } })],
  ['userAliases.0', clientFrameSchema, (bad) => ({ type: 'watch', id: 1, userAliases: [`a${bad}b`] })],
  ['token', clientFrameSchema, (bad) => ({ type: 'connect', id: 1, appId: 'a', userAlias: 'a', deviceId: 'd', token: bad })],
  ['name', appBodySchema, (bad) => ({ name: bad })],
  ['name', apiKeyBodySchema, (bad) => ({ name: bad })],
  ['name', userBodySchema, (bad) => ({ name: bad })],
  ['picture', userBodySchema, (bad) => ({ picture: `https://example.org/${bad}` })],
  ['email', userBodySchema, (bad) => ({ email: `a${bad}@example.org` })],
  ['locale', userBodySchema, (bad) => ({ locale: `de${bad}` })],
  ['url', endpointBodySchema, (bad) => ({ url: `https://example.org/${bad}` })],
  ['description', endpointBodySchema, (bad) => ({ url: 'https://example.org', description: bad })],
  ['eventTypes.0', endpointBodySchema, (bad) => ({ url: 'https://example.org', eventTypes: [`call.${bad}`] })],
  ['cursor', presenceListQuerySchema, (bad) => ({ cursor: bad })],
  ['sdp', mediaClientFrameSchema, (bad) => ({ type: 'publish', kind: 'camera', sdp: bad })],
  ['candidate.candidate', mediaClientFrameSchema, (bad) => ({ type: 'candidate', peer: 'publisher', candidate: { candidate: bad } })],
];

describe.each([
  ['NUL', '\0'],
  ['a lone surrogate', '\ud800'],
])('%s is refused by name', (_what, bad) => {
  test.each(doors)('in %s', (field, schema, input) => {
    const { error } = schema.safeParse(input(bad));
    expect(error && fieldsOf(error).map((fault) => fault.field)).toContain(field);
  });
});

test('pairs of surrogates are text like any other', () => {
  expect(createCallBodySchema.safeParse({ ...call, userAlias: 'a😀b', customData: { '😀': '😀' } }).success).toBe(true);
});

test('an alias has room for 128 bytes, in any script', () => {
  expect(userAliasSchema.safeParse('€'.repeat(42)).success).toBe(true);
  expect(userAliasSchema.safeParse('€'.repeat(43)).success).toBe(false);
});

test('the largest event a call can have is a small part of what a broker takes', () => {
  // Both cost two bytes each in JSON.
  const alias = (number: number) => '"'.repeat(124) + String(number).padStart(4, '0');
  const audience = Array.from({ length: callLimits.everParticipants }, (_, number) => userAliasSchema.parse(alias(number)));
  const callees = audience.slice(0, callLimits.maxParticipants.max - 1);
  const event = callDialedSchema.parse({
    specversion: '1.0',
    type: 'call.dialed',
    id: '01890000-0000-7000-8000-000000000000',
    source: '/calls',
    subject: '01890000-0000-7000-8000-000000000000',
    callid: '01890000-0000-7000-8000-000000000000',
    time: new Date().toISOString(),
    appid: 'a'.repeat(63),
    sequence: 2_147_483_647,
    dataversion: 1,
    traceparent: 'x'.repeat(64),
    data: {
      audience,
      initiator: audience[0],
      initiatorDevice: 'd'.repeat(128),
      callees,
      callType: 'audio_upgradable',
      ringSeconds: 120,
      maxParticipants: 32,
      maxDurationSeconds: 86_400,
      customData: { text: 'x'.repeat(callLimits.customDataBytes - 20) },
      refused: callees.map((userAlias) => ({ userAlias, reason: 'do_not_disturb' })),
      waiting: callees,
    },
  });
  expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(80_000);
});

test.each(['javascript:alert(1)', 'data:text/html,x', 'ftp://example.org/', 'blob:https://example.org/1', 'vbscript:x'])(
  '%s is no address of the web',
  (address) => {
    expect(userBodySchema.safeParse({ picture: address }).success).toBe(false);
    expect(endpointBodySchema.safeParse({ url: address }).success).toBe(false);
  },
);

test('what was saved when any address was taken is still read from the log', () => {
  const saved = {
    specversion: '1.0',
    type: 'user.saved',
    id: '1',
    source: '/directory',
    subject: 'user:demo/ben',
    time: new Date().toISOString(),
    appid: 'demo',
    sequence: 1,
    dataversion: 1,
    data: { userAlias: 'ben', picture: 'data:image/png;base64,AA', locale: `de${'-abcdefgh'.repeat(20)}` },
  };
  expect(userSavedSchema.safeParse(saved).error).toBeUndefined();
});

test.each(['0000-01-01T00:00:00Z', `2026-01-01T00:00:00.${'0'.repeat(200)}Z`])('%s is no moment a database keeps', (from) => {
  expect(callListQuerySchema.safeParse({ from }).success).toBe(false);
});

test.each(['.', '..'])('nobody is called %s: no path could name them', (alias) => {
  expect(userAliasSchema.safeParse(alias).success).toBe(false);
  expect(userAliasSchema.safeParse(`${alias}a`).success).toBe(true);
});
