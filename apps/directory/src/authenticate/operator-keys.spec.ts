/*
 * Several people may run a Center: each has a key and a name of his own, and one can be withdrawn without the others noticing.
 */
import { expect, test } from 'vitest';
import { operatorKeySetting } from './operator-keys.js';

const [anna, ben, old] = [
  'op_annas-key-of-thirty-two-letters',
  'op_bens-key-of-thirty-two-letters.',
  'op_one-key-of-all-thirty-two-letter',
];
const keysOf = (text: string) => operatorKeySetting.parse(text);

test('one key without a name is the operator’s, as it always was', () => {
  expect(keysOf(old).find(old)).toEqual({});
  expect(keysOf(old).find(anna)).toBeUndefined();
});

test('each holder is known by the own key', () => {
  const keys = keysOf(`${old}, anna:${anna}, ben:${ben}`);
  expect([old, anna, ben].map((key) => keys.find(key))).toEqual([{}, { holder: 'anna' }, { holder: 'ben' }]);
  for (const other of ['', 'anna', `anna:${anna}`, `${anna}x`, anna.slice(0, -1), `${anna},${ben}`])
    expect(keys.find(other)).toBeUndefined();
});

test('whose key is taken out is nobody, and the others are who they were', () => {
  const keys = keysOf(`ben:${ben}`);
  expect([keys.find(anna), keys.find(ben)]).toEqual([undefined, { holder: 'ben' }]);
});

test('a list that would let somebody act in the name of another, or a key that is too short, is refused with the reason, without the key', () => {
  const refusals = {
    [`anna:${anna},anna:${ben}`]: 'each key must have a holder of another name',
    [`${old},${anna}`]: 'each key must have a holder of another name',
    [`anna:${anna},ben:${anna}`]: 'each holder must have another key',
    'anna:short': 'each key must have at least 32 characters',
    [`anna:${anna},`]: 'each key must have at least 32 characters',
    '': 'each key must have at least 32 characters',
  };
  for (const [text, reason] of Object.entries(refusals)) {
    const { error } = operatorKeySetting.safeParse(text);
    expect(error?.issues.map(({ message }) => message)).toEqual([reason]);
  }
});
