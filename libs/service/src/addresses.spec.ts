/*
 * A name of several addresses stands for a replica at each: those that come are asked, those that go are left, and a name server that
 * fails or hangs changes nothing and keeps nobody waiting for long.
 */
import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Addresses } from './addresses.js';
import { Identity } from './identity.js';
import { Replicas } from './replicas.js';
import { ServiceClient } from './service-client.js';

let asked: string[];
let answer: () => Promise<string[]>;
const resolve = (hostname: string) => {
  asked.push(hostname);
  return answer();
};
const open: (Server | Socket)[] = [];

beforeEach(() => {
  asked = [];
  answer = async () => ['10.0.0.2', '10.0.0.1'];
});

afterEach(() => {
  vi.useRealTimers();
  for (const one of open.splice(0)) one.close();
});

test('every address of a name is a replica, beside those that are listed by address', async () => {
  const addresses = new Addresses(['http://calls:4010', 'http://10.0.0.9:4010'], resolve);
  expect(await addresses.current(0)).toEqual(['http://10.0.0.1:4010', 'http://10.0.0.2:4010', 'http://10.0.0.9:4010']);
  expect(asked).toEqual(['calls']);
  answer = async () => ['fd00::1'];
  expect(await new Addresses(['http://calls:4010'], resolve).current(0)).toEqual(['http://[fd00::1]:4010']);
});

test('addresses, localhost and names under https are nobody’s to look up', async () => {
  const urls = ['http://10.0.0.1:1', 'http://[::1]:1', 'http://localhost:1', 'https://calls.example:1'];
  expect(await new Addresses(urls, resolve).current(0)).toEqual(urls);
  expect(asked).toEqual([]);
});

test('those who ask during the first look-up wait for it too', async () => {
  const addresses = new Addresses(['http://calls'], resolve);
  expect(await Promise.all([addresses.current(0), addresses.current(1)])).toEqual([addresses.known, addresses.known]);
  expect(addresses.known).toHaveLength(2);
});

test('a name is looked up again after five seconds, beside the request; after thirty before it', async () => {
  const addresses = new Addresses(['http://calls'], resolve);
  await addresses.current(0);
  answer = async () => ['10.0.0.3'];
  expect(await addresses.current(4999)).toHaveLength(2);
  expect(asked).toHaveLength(1);
  expect(await addresses.current(5000)).toHaveLength(2);
  await vi.waitFor(() => expect(addresses.known).toEqual(['http://10.0.0.3']));
  answer = async () => ['10.0.0.4'];
  expect(await addresses.current(36_000)).toEqual(['http://10.0.0.4']);
});

test('what cannot be looked up stays as it was; what never could is asked by its name', async () => {
  const addresses = new Addresses(['http://calls'], resolve);
  answer = () => Promise.reject(new Error('SERVFAIL'));
  expect(await addresses.current(0)).toEqual(['http://calls']);
  answer = async () => ['10.0.0.1'];
  expect(await addresses.current(40_000)).toEqual(['http://10.0.0.1']);
  answer = async () => [];
  expect(await addresses.current(80_000)).toEqual(['http://10.0.0.1']);
});

test('a name server that hangs is waited for two seconds, and not asked by others meanwhile', async () => {
  vi.useFakeTimers();
  const addresses = new Addresses(['http://calls'], resolve);
  const hung = Promise.withResolvers<string[]>();
  answer = () => hung.promise;
  const current = addresses.current(0);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await current).toEqual(['http://calls']);
  const again = addresses.current(40_000);
  await vi.advanceTimersByTimeAsync(2000);
  await again;
  expect(asked).toEqual(['calls']);
  hung.resolve(['10.0.0.1']);
  await vi.advanceTimersByTimeAsync(0);
  answer = async () => ['10.0.0.2'];
  expect(await addresses.current(80_000)).toEqual(['http://10.0.0.2']);
});

/** A name server that knows one name, and answers with the addresses it has then; with nothing at all where there are none. */
async function nameServer(addresses: () => string[]): Promise<Resolver> {
  const server = createSocket('udp4');
  open.push(server);
  server.on('message', (query, { port, address }) => {
    const records = addresses().map((ip) => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split('.').map(Number)]));
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0]);
    if (records.length > 0) server.send(Buffer.concat([head, query.subarray(12, questionEnd(query)), ...records]), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  return resolver;
}

const questionEnd = (query: Buffer) => query.indexOf(0, 12) + 5;

test('over DNS, requests go round the replicas there are, and past one that is down', async () => {
  const served: string[] = [];
  const serveAt = async (host: string, port = 0) => {
    const server = createServer((_request, response) => {
      served.push(host);
      response.end('{}');
    }).listen(port, host);
    open.push(server);
    await once(server, 'listening');
    return server.address() as AddressInfo;
  };
  const { port } = await serveAt('127.0.0.1');
  await serveAt('127.0.0.2', port);
  let there = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
  const resolver = await nameServer(() => there);
  const replicas = new Replicas([`http://calls.center.test:${port}`], (name) => resolver.resolve4(name));
  const identity = { sign: async () => 'token' } as unknown as Identity;
  const client = new ServiceClient(identity, 'calls', replicas);
  const ask = () => client.send({ method: 'GET', path: '/v1/calls' });
  for (let count = 0; count < 6; count += 1) await ask();
  expect(
    Map.groupBy(served, (host) => host)
      .keys()
      .toArray()
      .sort(),
  ).toEqual(['127.0.0.1', '127.0.0.2']);
  expect(served).toHaveLength(6);
  there = [];
  await ask();
  expect(served).toHaveLength(7);
});
