/*
 * What is kept, and for how long, is told of every table and every topic: docs/operations.md, and the kept.md of a service that came
 * later, are compared with what the migrations make and with what topics are made with.
 */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { topics } from '@communication-center/contracts';
import { services } from '@communication-center/contracts/services';
import { retentions } from '@communication-center/event-log';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const page = readFileSync(resolve(root, 'docs/operations.md'), 'utf8');
const [, section = ''] = /\n## What is kept, and for how long\n([\s\S]*?)\n## /.exec(page) ?? [];
const told = [section, ...globSync('apps/*/kept.md', { cwd: root }).map((file) => readFileSync(resolve(root, file), 'utf8'))];

/** @returns the cells of the rows of tables whose first column is headed so. */
function rowsUnder(heading: string): string[][] {
  const tables = told
    .join('\n\n')
    .split('\n\n')
    .filter((part) => part.startsWith('|'));
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  return tables.flatMap((table) => {
    const [head = '', , ...lines] = table.trim().split('\n');
    return cells(head)[0] === heading ? lines.map(cells) : [];
  });
}

const namesIn = (cell: string) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name]) => name ?? '');

/** Runs a service's migrations on nothing. @returns the tables that are there after them; parts of a table are none. */
async function tablesOf(service: string): Promise<Set<string>> {
  const statements: string[] = [];
  const runner = { query: async (statement: string) => void statements.push(statement) ?? [{}] };
  const files = globSync(`apps/${service}/src/migrations/[0-9]*.ts`, { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));
  const orderOf = (file: string) => Number(/(\d+)-[^/]*$/.exec(file)?.[1]);
  for (const file of files.sort((one, other) => orderOf(one) - orderOf(other))) {
    const made = Object.values((await import(resolve(root, file))) as Record<string, unknown>);
    for (const Made of made) {
      const migration =
        typeof Made === 'function' && Made.prototype?.up ? new (Made as new () => { up(on: object): Promise<void> })() : undefined;
      await migration?.up(runner).catch((error: unknown) => {
        throw new Error(`${file} asks its database for more than this test answers`, { cause: error });
      });
    }
  }
  const tables = new Set<string>();
  const changes =
    /CREATE TABLE (?:IF NOT EXISTS )?(\w+)(?! PARTITION OF)\b(?! PARTITION OF)|DROP TABLE (?:IF EXISTS )?(\w+)|ALTER TABLE (\w+) RENAME TO (\w+)/g;
  for (const [, made, dropped, from, to] of statements.join(';\n').matchAll(changes)) {
    if (made) tables.add(made);
    tables.delete(dropped ?? from ?? '');
    if (to) tables.add(to);
  }
  return tables;
}

/** What the page tells of, as `schema.table`. */
function toldTables(): string[] {
  const every = services.map(({ name }) => name);
  return rowsUnder('schema, table').flatMap(([where = '']) => {
    const [whose = ''] = where.split('`');
    const schemas = /^all\b/.test(whose) ? every : every.filter((name) => new RegExp(`\\b${name}\\b`).test(whose));
    return schemas.flatMap((schema) => namesIn(where).map((table) => `${schema}.${table}`));
  });
}

test('every table of every service is told of once, and no other', async () => {
  const there: string[] = [];
  for (const { name } of services) there.push(...[...(await tablesOf(name))].map((table) => `${name}.${table}`));
  expect(there.length).toBeGreaterThan(80);
  const tables = toldTables();
  expect(tables.toSorted()).toEqual([...new Set(tables)].toSorted());
  expect({ lacking: there.filter((one) => !tables.includes(one)), gone: tables.filter((one) => !there.includes(one)) }).toEqual({
    lacking: [],
    gone: [],
  });
});

test('every topic is told of with what it is made with', () => {
  const [day, hour] = [86_400_000, 3_600_000];
  const lasting = (ms: number) => (ms < day ? `${ms / hour} h` : `${ms / day} d`);
  const asTold = (name: string, value: string) => (name.endsWith('.ms') && Number(value) > 0 ? lasting(Number(value)) : value);
  const made = Object.entries(topics).map(([topic, { retention }]) => [
    topic,
    retentions[retention].map(({ name, value }) => `${name}=${asTold(name, value)}`).join(', '),
  ]);
  const topicsTold = rowsUnder('topic').flatMap(([names = '', , settings = '']) =>
    namesIn(names).map((name) => [name, settings.replaceAll('`', '')]),
  );
  expect(Object.fromEntries(topicsTold)).toEqual(Object.fromEntries(made));
});

test('what a tombstone erases is gone within days from topics with people in them, however little is written', () => {
  for (const topic of ['directory.events', 'presence.events', 'sessions.events'] as const) {
    const settings = Object.fromEntries(retentions[topics[topic].retention].map(({ name, value }) => [name, value]));
    expect(settings, topic).toMatchObject({ 'cleanup.policy': 'compact' });
    expect(Number(settings['max.compaction.lag.ms']), topic).toBeLessThanOrEqual(86_400_000);
    expect(Number(settings['delete.retention.ms']), topic).toBeLessThanOrEqual(7 * 86_400_000);
  }
});
