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

test('whoever cannot be reached is passed over; one that was asked in vain is not asked again elsewhere, unless that is its caller’s doing', async () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const replicas = new Replicas([one, two]);
  const asked: string[] = [];
  const answer = await replicas.reach(async (url) => {
    asked.push(url);
    if (url === one) throw refused;
    return 'here';
  });
  expect([answer, asked]).toEqual(['here', [one, two]]);
  expect([replicas.pick(), replicas.pick()]).toEqual([two, two]);

  const others = new Replicas([one, two]);
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  await expect(others.reach(() => Promise.reject(reset))).rejects.toBe(reset);
  expect([others.pick(), others.pick()]).toEqual([two, two]);

  const brokenOff = new Replicas([one, two]);
  const aborted = Object.assign(new Error('aborted'), { name: 'AbortError' });
  await expect(brokenOff.reach(() => Promise.reject(aborted))).rejects.toBe(aborted);
  expect(new Set([brokenOff.pick(), brokenOff.pick()])).toEqual(new Set([one, two]));

  await expect(new Replicas([one]).reach(() => Promise.reject(refused))).rejects.toBe(refused);
});

test('only a connection that was never made allows any request to go elsewhere', () => {
  expect(neverArrived(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))).toBe(true);
  expect(neverArrived(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toBe(false);
  expect(neverArrived(Object.assign(new Error('no way'), { code: 'EHOSTUNREACH', syscall: 'connect' }))).toBe(true);
  expect(neverArrived(Object.assign(new Error('no way any more'), { code: 'EHOSTUNREACH', syscall: 'read' }))).toBe(false);
});

test('the setting lists addresses', () => {
  expect(replicasSetting().parse('http://a:1, http://b:2')).toEqual(['http://a:1', 'http://b:2']);
  expect(replicasSetting().safeParse('http://a:1,b').success).toBe(false);
});
