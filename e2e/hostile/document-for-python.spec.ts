/* Of the document that schemathesis reads nothing is lost but what Python cannot read, and its paths lead somewhere. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentForPython } from './document-for-python.js';

const document = JSON.parse(readFileSync(new URL('../../docs/protocol/openapi.json', import.meta.url), 'utf8')) as never;
const made = documentForPython(document, { appId: 'fuzzed', examples: { userAlias: 'alice' } }) as {
  paths: Record<string, Record<string, { parameters?: { name: string; schema: object; example?: string }[] }>>;
};

test('every operation is there, and no pattern that Python cannot read', () => {
  const { paths } = document as typeof made;
  expect(Object.keys(made.paths)).toEqual(Object.keys(paths));
  expect(JSON.stringify(document)).toContain('\\\\p{');
  expect(JSON.stringify(made)).not.toContain('\\\\p{');
});

test('parameters name the app, and users, that are there', () => {
  const parameters = Object.values(made.paths).flatMap((methods) => Object.values(methods).flatMap(({ parameters: some = [] }) => some));
  const apps = parameters.filter(({ name }) => name === 'appId');
  expect(apps.length).toBeGreaterThan(5);
  expect(
    apps.filter(({ schema, example }) => JSON.stringify(schema) !== '{"type":"string","enum":["fuzzed"]}' || example !== 'fuzzed'),
  ).toEqual([]);
  expect(parameters.find(({ name }) => name === 'userAlias')?.example).toBe('alice');
});
