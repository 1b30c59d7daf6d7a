import { expect, test } from 'vitest';
import { neverArrived, Replicas, replicasSetting } from './replicas.js';

const [one, two] = ['http://one', 'http://two'];

test('requests go round', () => {
  const replicas = new Replicas([one, two]);
  expect([replicas.pick(0), replicas.pick(0), replicas.pick(0)]).toEqual([one, two, one]);
});

test('a replica that failed is left alone for a while, and asked all the same when there is no other', () => {
  const replicas = new Replicas([one, two]);
  replicas.failed(one, 0);
  expect([replicas.pick(1), replicas.pick(1)]).toEqual([two, two]);
  replicas.failed(two, 0);
  expect(replicas.pick(1)).toBe(one);
  expect(replicas.pick(5000)).toBe(two);
});

test('only a connection that was never made allows any request to go elsewhere', () => {
  expect(neverArrived(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))).toBe(true);
  expect(neverArrived(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toBe(false);
});

test('the setting lists addresses', () => {
  expect(replicasSetting().parse('http://a:1, http://b:2')).toEqual(['http://a:1', 'http://b:2']);
  expect(replicasSetting().safeParse('http://a:1,b').success).toBe(false);
});
