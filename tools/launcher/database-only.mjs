import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './registry.mjs';

/** What a test has that needs more than PostgreSQL: people, a door, a log, Redis, or a process of the fleet. */
const needsMore =
  /\b(?:Phones|RawSocket|FlakyLine|Browsers|WebhookReceiver|MailServer|SipPhone|EventLog|Bench|OutboxBench|OutboxRelay|Redis|spawn|fork)\b|\.(?:brokers|redis|janus|rest|makeApp|makeUser|tokenOf|control|figuresOf|readinessOf|ready)\b|\bfleet\.(?:url|urlOf)\b/;

/** @returns the text of a test and of the fixtures beside it. */
function textOf(file) {
  const text = readFileSync(file, 'utf8');
  const fixtures = [...text.matchAll(/from '(\.[^']*\.fixture)\.js'/g)].map(([, path]) => join(dirname(file), `${path}.ts`));
  return [text, ...fixtures.filter(existsSync).map((fixture) => readFileSync(fixture, 'utf8'))].join('\n');
}

/** They start a fleet of their own. */
export const ownFleets = ['libs/service/src/secured-servers.int.spec.ts'];

/**
 * @returns the tests on real servers that need of the fleet its PostgreSQL alone, or nothing, by their paths in the project: whatever
 *   else is broken does not concern them.
 */
export function databaseOnly() {
  const specs = globSync('{apps,libs}/*/src/**/*.int.spec.ts', { cwd: root, exclude: (name) => name === 'node_modules' });
  const isFree = (file) => ownFleets.includes(file) || (!/faults\./.test(file) && !needsMore.test(textOf(join(root, file))));
  return specs.filter(isFree).sort();
}

/** @returns the tests of the log itself: they need PostgreSQL and brokers, and no service of the fleet. */
export function logOnly() {
  const database = new Set(databaseOnly());
  const specs = globSync('libs/event-log/src/**/*.int.spec.ts', { cwd: root });
  return specs.filter((file) => !database.has(file) && !/faults\./.test(file)).sort();
}
