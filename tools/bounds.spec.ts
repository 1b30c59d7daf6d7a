/*
 * docs/bounds.md says what the code bounds: each number in it is that of the code, and each bound of a door is in it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
/** Where doors are: what the world sends is taken, counted and kept there. */
const doors = [
  'apps/gateway/src/sockets',
  'apps/gateway/src/passed-sockets',
  'apps/gateway/src/public-door',
  'apps/media/src/media-sockets',
  'apps/sip/src/transport',
  'apps/sip/src/messages',
  'apps/sip/src/authenticate',
  'libs/service/src/arrivals',
  'libs/service/src/clients',
  'libs/service/src/sockets',
];
const settings = ['gateway', 'media', 'sip']
  .map((app) => `apps/${app}/src/settings.ts`)
  .concat('libs/service/src/clients/client-settings.ts');
/** They bound what we do ourselves, not what others send. */
const ownPace: readonly string[] = ['mostCseq', 'mostLooks', 'drainMs', 'JANUS_TIMEOUT_MS', 'SIGN_IN_FAILURES_PER_SECOND'];

interface Row {
  what: string;
  bound: number;
  path: string;
  name: string;
}

function rows(): Row[] {
  const lines = readFileSync(join(root, 'docs/bounds.md'), 'utf8').split('\n');
  return lines.flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, name, path] = /^\[`(\w+)`\]\(\.\.\/([\w./-]+)\)$/.exec(cells[4] ?? '') ?? [];
    if (!name || !path) return [];
    return [{ what: cells[1] ?? '', bound: Number(/^[\d,.]+/.exec(cells[2] ?? '')?.[0].replaceAll(',', '')), path, name }];
  });
}

/** @returns the number that a source gives a setting, a constant or a field of one. */
function inSource(path: string, name: string): number {
  const source = readFileSync(join(root, path), 'utf8');
  const at = source.search(new RegExp(`\\b${name}(: numberSetting\\(|: | = )[\\d]`));
  const number = at < 0 ? undefined : /[\d_.]+/.exec(source.slice(at + name.length))?.[0];
  return Number(number?.replaceAll('_', '') ?? Number.NaN);
}

test('the table is there', () => {
  expect(rows().length).toBeGreaterThan(60);
});

test.each(rows().map((row) => [`${row.what} (${row.name})`, row] as const))('%s is what the code says', (_what, { bound, path, name }) => {
  expect(inSource(path, name)).toBe(bound);
});

test('every bound of a door is in the table', () => {
  const told = new Set(rows().map(({ path, name }) => `${path} ${name}`));
  const files = doors.flatMap((folder) => readdirSync(join(root, folder)).map((file) => `${folder}/${file}`));
  const sources = files.filter((file) => file.endsWith('.ts') && !/\.(spec|fixture)\.ts$/.test(file));
  const bound = /^(?:export )?const ((?:max|most|longest)[A-Z]\w*|\w*(?:[iI]dle|[tT]imeout|[lL]inger|header)\w*Ms) = [\d]/gm;
  const constants = sources.flatMap((path) => [...read(path).matchAll(bound)].map(([, name]) => `${path} ${name}`));
  const bounding = /^ {2}((?:MAX_(?!EXPIRES)|\w*_PER_|\w+_TIMEOUT_MS|\w+_SILENCE_MS|FRAME)\w*): numberSetting\(/gm;
  const set = settings.flatMap((path) => [...read(path).matchAll(bounding)].map(([, name]) => `${path} ${name}`));
  const missing = [...constants, ...set].filter((one) => !told.has(one) && !ownPace.includes(one.split(' ')[1] ?? ''));
  expect(missing).toEqual([]);
  expect(constants.length).toBeGreaterThan(20);
});

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
