import { once } from 'node:events';
import { createServer } from 'node:http';
import { ReverseProxy } from '../../apps/gateway/dist/public-door/reverse-proxy.js';

/*
 * The gateway's proxy with nothing around it: bench/transfer.mjs forks it, with the address of a service.
 */
const [service] = process.argv.slice(2);
const settings = { MAX_TRANSFER_BYTES: 2 ** 31, TRANSFER_SILENCE_MS: 20_000, MAX_TRANSFERS: 8, TRANSFERS_PER_APP: 8 };
const proxy = new ReverseProxy({ replicasOf: () => ({ reach: (send) => send(service) }) }, { sign: async () => 'nobody' }, settings);
const owner = { service: 'any', kind: 'transfer', path: '/' };
const subject = { kind: 'key', appId: 'bench', keyId: 'bench' };
const door = createServer((request, response) => void proxy.pass(owner, { request, subject }, () => response)).listen(0, '127.0.0.1');
await once(door, 'listening');
process.send({ url: `http://127.0.0.1:${door.address().port}` });
