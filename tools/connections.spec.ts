/*
 * Whatever connects to PostgreSQL, Kafka or Redis does so by its settings for TLS and for signing in: services, commands, scripts and
 * measurements alike. PostgreSQL's are in its address, which is passed on as it is; the others' are read in one place each.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { services } from '@communication-center/contracts/services';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(resolve(root, file), 'utf8');
/** Tests speak to the fleet that was started for them. */
const isOfTests = (file: string) => /\.(spec|fixture)\.ts$|^libs\/testing\/|\/(node_modules|dist)\//.test(file);
const sources = globSync(['{apps,libs}/*/src/**/*.{ts,tsx}', 'tools/**/*.{ts,mjs}', 'bench/**/*.mjs'], { cwd: root })
  .filter((file) => !isOfTests(file))
  .sort();

/** @returns the files in which something is made. */
function makersOf(pattern: RegExp): string[] {
  return sources.filter((file) => pattern.test(textOf(file)));
}

/** The code of the first call of each `new X(…)`, as far as its brackets go. */
function callsIn(file: string, pattern: RegExp): string[] {
  const text = textOf(file);
  return [...text.matchAll(new RegExp(pattern, 'g'))].map(({ index }) => {
    let depth = 0;
    for (let at = text.indexOf('(', index); at < text.length; at += 1) {
      if (text[at] === '(') depth += 1;
      if (text[at] === ')' && --depth === 0) return text.slice(index, at + 1);
    }
    return text.slice(index);
  });
}

test('every entry point is among what is looked at', () => {
  expect(sources.length).toBeGreaterThan(300);
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const started = Object.values(scripts).flatMap((script) =>
    [...script.matchAll(/\bnode ([\w/-]+\.mjs)/g)].map(([, file]) => String(file)),
  );
  expect(started.length).toBeGreaterThan(15);
  const mains = services.map(({ name }) => `apps/${name}/src/main.ts`);
  const commands = [
    'libs/event-log/src/create-topics.ts',
    'libs/event-log/src/keep-on-one-broker.ts',
    'apps/calls/src/check-log/check-log.ts',
  ];
  const entries = [...started, ...mains, ...commands];
  expect(entries.filter((file) => !existsSync(resolve(root, file)) || !sources.includes(file))).toEqual([]);
});

describe('Kafka', () => {
  test('is connected to by the log alone', () => {
    expect(makersOf(/new Kafka\(/)).toEqual(['libs/event-log/src/log/connections.ts', 'libs/event-log/src/log/event-log.ts']);
  });

  test('is told of by settings wherever a log is made', () => {
    const makers = makersOf(/new EventLog\(/);
    expect(makers.length).toBeGreaterThan(2);
    const calls = makers.flatMap((file) => callsIn(file, /new EventLog\(/));
    expect(calls.filter((call) => !call.includes('...brokersOf('))).toEqual([]);
  });
});

test('Redis is connected to in one place, by its settings', () => {
  expect(makersOf(/new (Redis|IORedis|Cluster)\(|createClient\(/)).toEqual(['libs/service/src/redis.ts']);
  // Whatever a library connects to by itself it is told of by an address or a host.
  const queues = makersOf(/new (Queue|Worker|FlowProducer|QueueEvents)\(/).flatMap((file) => callsIn(file, /new (Queue|Worker)\(/));
  expect(queues.length).toBeGreaterThan(1);
  expect(queues.filter((call) => /\b(host|url)\b/.test(call))).toEqual([]);
});

test('PostgreSQL is connected to by its whole address, wherever that is done', () => {
  const pattern = /new (pg\.)?(Client|Pool)\(|new DataSource\(/;
  const calls = makersOf(pattern).flatMap((file) => callsIn(file, pattern));
  expect(calls.length).toBeGreaterThan(8);
  const isWhole = (call: string) => /connectionString|\burl: |\.\.\.signIn/.test(call) && !/\b(host|ssl):/.test(call);
  expect(calls.filter((call) => !isWhole(call))).toEqual([]);
});

test('nothing trusts a certificate that does not match', () => {
  expect(makersOf(/rejectUnauthorized|NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity|sslmode=(no-verify|prefer)/)).toEqual([]);
});
