import { expect, test } from 'vitest';
import { Connections } from './connections.js';

const guard = { connector: () => () => undefined } as never;
const certificate = { certificate: 'c', privateKey: 'k' };

test('an endpoint keeps its connections until its certificate is another, or it is released', async () => {
  const connections = new Connections(guard);
  const one = connections.to({ endpointId: 'a', clientCertificate: null });
  expect(connections.to({ endpointId: 'a', clientCertificate: null })).toBe(one);
  expect(connections.to({ endpointId: 'b', clientCertificate: null })).not.toBe(one);
  const proved = connections.to({ endpointId: 'a', clientCertificate: certificate });
  expect(proved).not.toBe(one);
  expect(connections.to({ endpointId: 'a', clientCertificate: { ...certificate } }), 'the same one read anew').toBe(proved);
  expect(one.closed).toBe(true);
  await connections.release('a');
  expect(proved.destroyed).toBe(true);
  expect(connections.to({ endpointId: 'a', clientCertificate: certificate })).not.toBe(proved);
  await connections.destroy();
});

test('who was sent to longest ago makes room, and large certificates take more of it', async () => {
  const connections = new Connections(guard, 12);
  const to = (endpointId: string, letters = 0) =>
    connections.to({ endpointId, clientCertificate: letters ? { certificate: 'c'.repeat(letters), privateKey: '' } : null });
  const [a, b, c] = [to('a'), to('b'), to('c')];
  to('a');
  to('d');
  expect([a, b, c].map(({ closed }) => closed)).toEqual([false, true, false]);
  const large = to('large', 20_000);
  expect([a, c].map(({ closed }) => closed)).toEqual([true, true]);
  expect(large.closed, 'one alone is kept, however large').toBe(false);
  await connections.destroy();
});
