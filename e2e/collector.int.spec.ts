/*
 * A service as it is shipped tells a collector of spans where one is set; where none is, not a line of what that takes is loaded.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, Fleet, serviceNames } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** @returns the bundled files that a service loads whenever it starts. */
function loadedBy(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  const imports = readFileSync(join(dist, file), 'utf8').matchAll(/^(?:import|export)[^;]*?["']\.\/([^"']+\.js)["']/gm);
  for (const [, imported] of imports) loadedBy(imported as string, known);
  return known;
}

test('what hands spans over lies in a file of its own, which no service loads by itself', () => {
  const files = readdirSync(dist).filter((file) => file.endsWith('.js'));
  const exporting = files.filter((file) => readFileSync(join(dist, file), 'utf8').includes('OTLPTraceExporter'));
  expect(exporting).toHaveLength(1);
  for (const name of serviceNames) {
    const loaded = loadedBy(`${name}.js`);
    expect(loaded.size).toBeGreaterThan(2);
    expect([...loaded].filter((file) => exporting.includes(file))).toEqual([]);
  }
});

test('a service that is told of a collector goes on with the trace of a request, and tells it', async () => {
  const spans: { name: string; traceId: string; parentSpanId?: string }[] = [];
  const collector = createServer((request, response) => {
    let text = '';
    request.on('data', (data) => {
      text += data;
    });
    request.on('end', () => {
      for (const { scopeSpans } of JSON.parse(text).resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => collector.close());
  const at = await startDirectory(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`);
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const answer = await fetch(`${at}/v1/apps/any`, { headers: { traceparent } });
  expect(await answer.json()).toMatchObject({ code: 'unauthenticated', traceId });
  const span = await eventually('the span of the request', () => spans.find(({ name }) => name.startsWith('GET /v1/apps')));
  expect(span).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
  expect(spans.filter(({ name }) => name.includes('/health'))).toEqual([]);
});

/** Starts one more replica. @returns where it answers. */
async function startDirectory(collector: string): Promise<string> {
  const { secrets, servers } = fleet.state;
  const env = {
    PATH: process.env.PATH ?? '',
    PROFILE: 'development',
    DATABASE_URL: servers.database,
    KAFKA_BROKERS: servers.brokers,
    IDENTITY_PRIVATE_JWK: JSON.stringify(secrets.privateKeys.directory),
    IDENTITY_PUBLIC_JWKS: JSON.stringify(secrets.jwks),
    OPERATOR_KEY: secrets.operatorKey,
    PRESENCE_URL: `http://127.0.0.1:${fleet.state.ports.presence}`,
    SECRETS_KEY: (secrets as unknown as Record<string, string>).secretsKey ?? '',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
  };
  const child = spawn(process.execPath, [join(dist, 'directory.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => ended(child));
  let said = '';
  child.stdout.on('data', (data) => {
    said += data;
  });
  return eventually('one more replica being ready', () => /"url":"([^"]+)".*"msg":"ready"/.exec(said)?.[1], 40_000);
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}
