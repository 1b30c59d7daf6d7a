import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Looks where no secret may be: in the logs of a fleet, and on the command lines of this machine, which everybody on it may read.
 */

/** What is a secret by its form, whoever made it. */
const forms = [
  /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/g,
  /\b(?:cc_|op_)[\w-]{20,}/g,
  /\bwhs(?:ec|k)_[\w+/=-]{20,}/g,
  /(?<=Bearer )(?!\[)\S{8,}/g,
];

const pieceBytes = 4_194_304;

/** Runs of letters in which a secret would be found: in other letters it may be written otherwise where it is told. */
const run = /[A-Za-z0-9_-]{12,}/g;

/** @returns the longest run of a secret; undefined for one that is too short to be told from words. */
function markOf(secret) {
  return [...secret.matchAll(run)].map(([text]) => text).toSorted((one, other) => other.length - one.length)[0];
}

/** @returns every text in a value that may be a secret: of a state file all that it calls secrets. */
function textsIn(value) {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/**
 * Looks for secrets in texts.
 * @param {Iterable<[where: string, text: string, firstLine?: number]>} texts
 * @param {Iterable<string>} secrets those that are known by their text.
 * @param {RegExp[]} byForm what is one though nobody knows it.
 * @returns {string[]} where one was found, by line, without telling more than how it begins.
 */
export function secretsFound(texts, secrets, byForm = forms) {
  const marks = new Set([...secrets].map(markOf).filter(Boolean));
  const found = [];
  for (const [where, text, firstLine = 1] of texts) {
    const lines = text.split('\n');
    for (const [index, written] of lines.entries()) {
      // In an address other letters than these are written by their number.
      const line = written.includes('%') ? written.replaceAll(/%[0-9A-F]{2}/g, ' ') : written;
      const known = [...line.matchAll(run)].map(([one]) => one).find((one) => marks.has(one));
      const hit = known ?? byForm.map((form) => line.match(form)?.[0]).find(Boolean);
      if (hit) found.push(`${where}, line ${firstLine + index}: a secret that begins with ${hit.slice(0, 6)}`);
    }
  }
  return found;
}

/** Of the public parts of keys nobody makes a secret. */
const publicParts = new Set(['jwks']);

/** @returns the secrets that an instance has, and those that its tests were told. */
function secretsOf(instance) {
  const { secrets = {}, demoKey = '' } = JSON.parse(readFileSync(instance.stateFile, 'utf8'));
  const own = Object.entries(secrets).flatMap(([name, value]) => {
    if (publicParts.has(name)) return [];
    return name === 'privateKeys' ? Object.values(value).map(({ d }) => d) : textsIn(value);
  });
  const noted = join(instance.folder, 'secrets-told');
  return [...own, demoKey, ...(existsSync(noted) ? readFileSync(noted, 'utf8').split('\n') : [])].filter(Boolean);
}

/** A log is read by pieces of whole lines: that of a long run is larger than a text may be. */
function* logsOf(instance) {
  const folder = join(instance.folder, 'logs');
  const piece = Buffer.alloc(pieceBytes);
  for (const file of readdirSync(folder)) {
    const log = openSync(join(folder, file), 'r');
    let line = 1;
    let left = '';
    for (let read = readSync(log, piece); read > 0; read = readSync(log, piece)) {
      const text = left + piece.toString('latin1', 0, read);
      const end = text.lastIndexOf('\n') + 1;
      yield [`the log ${file}`, text.slice(0, end), line];
      line += text.slice(0, end).split('\n').length - 1;
      left = text.slice(end);
    }
    closeSync(log);
    yield [`the log ${file}`, left, line];
  }
}

/** Where a system tells them. */
function* commandLines() {
  if (!existsSync('/proc/self/cmdline')) return;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      yield [`the command line of process ${pid} (${line.slice(0, 40)})`, line];
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** @returns where secrets of a running instance stand that must not be there. What others run on this machine is looked at for its own alone. */
export function secretsLeaked(instance) {
  const secrets = secretsOf(instance);
  return [...secretsFound(logsOf(instance), secrets), ...secretsFound(commandLines(), secrets, [])];
}
