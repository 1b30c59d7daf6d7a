/*
 * A key is handled without asking only where it is certain that it is not parked, whoever parked it, and whatever was going on while
 * that was read.
 */
import { beforeEach, expect, test } from 'vitest';
import { ParkedKeys } from './parked-keys.js';
import { SeenKeys } from './seen-keys.js';

let stored: { topic: string; key: string }[];
let reads: (() => void)[];
let statements: string[];
let isHeld: boolean;
let isBroken: boolean;

beforeEach(() => {
  [stored, reads, statements, isHeld, isBroken] = [[], [], [], false, false];
});

const deadLetters = {
  parkedOf: async (_group: string, most: number) => {
    statements.push('all');
    if (isBroken) throw new Error('away');
    const found = stored.slice(0, most);
    if (isHeld) await new Promise<void>((resolve) => reads.push(resolve));
    return found;
  },
  parkedAmong: async (_group: string, topic: string, keys: readonly string[]) => {
    statements.push(`among ${keys}`);
    return new Set(stored.filter((one) => one.topic === topic && keys.includes(one.key)).map(({ key }) => key));
  },
};
const make = (max?: number) => new ParkedKeys({ deadLetters, group: 'calls.history', ...(max !== undefined && { max }) });
const park = (key: string) => void stored.push({ topic: 'calls', key });
const seen = new SeenKeys();
const among = async (parked: ParkedKeys, ...keys: string[]) => [...(await parked.among('calls', keys, seen))];

test('what is parked is read once for all keys, and is of one topic', async () => {
  park('a');
  const parked = make();
  parked.assigned();
  expect(await among(parked, 'a', 'b')).toEqual(['a']);
  expect(await among(parked, 'c', 'd')).toEqual([]);
  expect(await parked.among('sessions', ['a'], seen)).toEqual(new Set());
  expect(statements).toEqual(['all']);
});

test('what others parked is known after the next assignment, and nothing is said before it is read', async () => {
  const parked = make();
  expect(await among(parked, 'a')).toEqual([]);
  park('a');
  isHeld = true;
  parked.assigned();
  const asked = among(parked, 'a');
  reads.shift()?.();
  expect(await asked).toEqual(['a']);
});

test('what this member parks while it reads is known, though the read did not see it', async () => {
  const parked = make();
  isHeld = true;
  parked.assigned();
  const asked = among(parked, 'a');
  park('a');
  parked.note('calls', 'a');
  reads.shift()?.();
  expect(await asked).toEqual(['a']);
});

test('a key that was found free is not asked about again, until it is parked again', async () => {
  park('a');
  const parked = make();
  expect(await among(parked, 'a')).toEqual(['a']);
  await parked.free('calls', 'a');
  expect(await among(parked, 'a')).toEqual([]);
  parked.note('calls', 'a');
  expect(await among(parked, 'a')).toEqual(['a']);
});

test('while the database is away nothing is taken for free; it is read once it is back', async () => {
  park('a');
  isBroken = true;
  const parked = make();
  parked.assigned();
  await expect(among(parked, 'a')).rejects.toThrow('away');
  await expect(among(parked, 'b')).rejects.toThrow('away');
  isBroken = false;
  expect(await among(parked, 'a', 'b')).toEqual(['a']);
});

test('more than can be kept is asked about, each key as long as it was not handled', async () => {
  for (const key of ['a', 'b', 'c']) park(key);
  const parked = make(2);
  seen.note('calls', 'handled');
  expect(await among(parked, 'a', 'x', 'handled')).toEqual(['a']);
  expect(await among(parked, 'handled')).toEqual([]);
  expect(statements).toEqual(['all', 'among a,x']);
});

test('a member that parks more than it can keep asks from then on', async () => {
  const parked = make(2);
  await among(parked, 'x');
  for (const key of ['a', 'b', 'c']) {
    park(key);
    parked.note('calls', key);
  }
  expect(await among(parked, 'a', 'd')).toEqual(['a']);
  expect(statements).toEqual(['all', 'among a,d']);
});
