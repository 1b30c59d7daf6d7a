/* Whom one looks for is found by name or alias; who is here comes first; a name nobody in the list has can be called all the same. */
import { expect, test } from 'vitest';
import { found, rowsOf } from './found.js';

const everybody = [
  { userAlias: 'u1', status: 'offline' },
  { userAlias: 'u2', status: 'busy' },
  { userAlias: 'u3', status: 'online' },
  { userAlias: 'me', status: 'online' },
] as never;
const names: Record<string, string> = { u1: 'Anna Bell', u2: 'Bob Stone', u3: 'Zoe Bellamy' };
const nameOf = (userAlias: string) => names[userAlias] ?? userAlias;
const look = (search: string) => {
  const { people, stranger } = found(everybody, { search, nameOf, without: new Set(['me']) });
  return { people: people.map(({ userAlias }) => userAlias), stranger };
};

test('who is here comes first, and oneself is not to be called', () => {
  expect(look('')).toEqual({ people: ['u3', 'u2', 'u1'], stranger: undefined });
  expect(look('me')).toEqual({ people: [], stranger: undefined });
});

test('names and aliases are found by any part, in whatever case', () => {
  expect(look(' bell').people).toEqual(['u3', 'u1']);
  expect(look('U2')).toEqual({ people: ['u2'], stranger: 'U2' });
  expect(look('u2').stranger).toBeUndefined();
});

test('an alias with a comma is one alias', () => {
  expect(look('bob,carol')).toEqual({ people: [], stranger: 'bob,carol' });
});

test('a stranger is the last of the list', () => {
  expect(rowsOf([{ userAlias: 'u3', status: 'online' }] as never, 'zoe')).toEqual([
    { userAlias: 'u3', status: 'online' },
    { userAlias: 'zoe' },
  ]);
  expect(rowsOf([], undefined)).toEqual([]);
});
