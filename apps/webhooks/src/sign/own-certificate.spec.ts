/*
 * A receiver that wants to know who connects is shown the endpoint's certificate, and no other endpoint's messages come on that
 * connection; one whose certificate nobody signed whom the endpoint trusts gets nothing.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { verify } from '@communication-center/server';
import { AddressGuard, addressSettings } from '@communication-center/service';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { makeCertificates } from '../../../../tools/launcher/infrastructure/secured.mjs';
import { Sender } from '../deliver/sender.js';
import { judgeEndpoint } from '../endpoints/judge-endpoint.js';
import { newSecret, publicKeyOf } from './signing-secrets.js';

const folder = mkdtempSync(join(tmpdir(), 'own-certificate-'));
const [mine, strange] = [join(folder, 'mine'), join(folder, 'strange')].map((one) => makeCertificates(one)) as [Made, Made];
type Made = ReturnType<typeof makeCertificates>;
const text = (file: string) => readFileSync(file, 'utf8');
const certificateOf = ({ client, ca }: Made) => ({
  certificate: text(client.cert),
  privateKey: text(client.key),
  serverAuthority: text(ca),
});

interface Seen {
  whose: string | undefined;
  connection: string;
  headers: Record<string, string>;
  body: string;
}
let server: Server;
let seen: Seen[];
let sender: Sender;
const settings = { ...z.object(addressSettings).parse({}), PROFILE: 'development' as const, ALLOW_PRIVATE_ADDRESSES: true };

beforeAll(async () => {
  const tls = { cert: text(mine.server.cert), key: text(mine.server.key), ca: text(mine.ca), requestCert: true, rejectUnauthorized: false };
  server = createServer(tls, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const socket = request.socket as TLSSocket;
    const whose = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined;
    seen.push({ whose, connection: `${socket.remotePort}`, headers: request.headers as Record<string, string>, body });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  sender = new Sender({ ...settings, REQUEST_TIMEOUT_MS: 5000 } as never, { info: () => undefined } as never);
});
beforeEach(() => {
  seen = [];
});
afterAll(async () => {
  await sender.onApplicationShutdown();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const endpointWith = (given: object) => ({
  endpointId: 'one',
  appId: 'app',
  url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
  eventTypes: [],
  filters: {},
  secrets: [{ text: newSecret('v1'), until: null }],
  headers: {},
  authentication: null,
  clientCertificate: certificateOf(mine),
  timeoutMs: null,
  ratePerSecond: null,
  concurrency: null,
  ordering: 'per_subject',
  payloadVersion: '2026-11-28',
  bodyFormat: 'standard_webhooks',
  ...given,
});
const send = (endpoint: object) =>
  sender.send(endpoint as never, { deliveryId: 'msg-1', body: '{"type":"call.ended"}', signal: new AbortController().signal });

test('the receiver sees the certificate of the endpoint, and signatures of both kinds are good', async () => {
  const [v1, v1a] = [newSecret('v1'), newSecret('v1a')];
  const secrets = [
    { text: v1a, until: null },
    { text: v1, until: Date.now() + 60_000 },
  ];
  expect(await send(endpointWith({ secrets }))).toMatchObject({ status: 204, error: null });
  const [{ whose, headers, body }] = seen as [Seen];
  expect(whose).toBe('client');
  expect(new Webhook(v1).verify(body, headers)).toEqual({ type: 'call.ended' });
  expect(verify(body, headers, publicKeyOf(v1a) ?? '')).toEqual({ type: 'call.ended' });
});

test('no two endpoints of a host share a connection on which one of them was proved', async () => {
  const strangers = { ...certificateOf(strange), serverAuthority: text(mine.ca) };
  const sendAs = (endpointId: string, given = {}) => send(endpointWith({ endpointId, headers: { 'x-endpoint': endpointId }, ...given }));
  for (let time = 0; time < 3; time += 1) {
    await sendAs('first');
    await sendAs('second', { clientCertificate: strangers });
    await sendAs('third');
  }
  expect(seen.map(({ whose }) => whose)).toEqual(Array.from({ length: 3 }, () => ['client', undefined, 'client']).flat());
  const byConnection = Map.groupBy(seen, ({ connection }) => connection);
  for (const [, on] of byConnection) expect(new Set(on.map(({ headers }) => headers['x-endpoint'])).size).toBe(1);
});

test('a certificate that was changed is shown from the next message on', async () => {
  await send(endpointWith({ endpointId: 'changes' }));
  await send(endpointWith({ endpointId: 'changes', clientCertificate: { ...certificateOf(strange), serverAuthority: text(mine.ca) } }));
  expect(seen.map(({ whose }) => whose)).toEqual(['client', undefined]);
});

test('a receiver whom nobody signed for that the endpoint trusts is sent nothing', async () => {
  for (const clientCertificate of [null, { ...certificateOf(mine), serverAuthority: text(strange.ca) }])
    expect(await send(endpointWith({ endpointId: 'four', clientCertificate }))).toMatchObject({ status: null, error: expect.any(String) });
  expect(seen).toEqual([]);
});

test('a certificate is judged when it is saved, by name', () => {
  const guard = new AddressGuard(settings);
  const good = certificateOf(mine);
  const faultOf = (clientCertificate: object, now = Date.now()) => {
    try {
      return judgeEndpoint({ clientCertificate } as never, guard, 15_000, now);
    } catch (error) {
      return (error as { fields: { field: string }[] }).fields[0]?.field;
    }
  };
  expect(faultOf(good)).toBeUndefined();
  expect(faultOf({ ...good, privateKey: certificateOf(strange).privateKey })).toBe('clientCertificate.privateKey');
  expect(faultOf({ ...good, certificate: good.certificate.replace(/[A-Z]{3}/g, 'AAA') })).toBe('clientCertificate.certificate');
  expect(faultOf({ ...good, serverAuthority: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' })).toBe(
    'clientCertificate.serverAuthority',
  );
  expect(faultOf(good, Date.now() + 10 * 86_400_000), 'ended').toBe('clientCertificate.certificate');
  expect(() => judgeEndpoint({ timeoutMs: 15_001 }, guard, 15_000, 0)).toThrow('timeoutMs');
});
