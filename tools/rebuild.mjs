import { setTimeout as sleep } from 'node:timers/promises';
import { openInstance, readState } from './launcher/instance.mjs';
import { registry } from './launcher/registry.mjs';

/*
 * npm run rebuild -- <service> <projection>      folds the whole log into a projection again, beside the one that serves, and shows how it goes
 * npm run rebuild -- <service>                   lists consumers, projections and how their rebuilds went, and keys that are parked
 * CENTER_URL and OPERATOR_KEY name another Center than the one npm start runs.
 */
const [service, projection] = process.argv.slice(2);
const state = readState(openInstance('dev'));
const url = process.env.CENTER_URL ?? state?.url;
const key = process.env.OPERATOR_KEY ?? state?.secrets.operatorKey;
if (!service || !url || !key) {
  const askable = registry.filter(({ name }) => name !== 'gateway').map(({ name }) => name);
  console.error(`Usage: npm run rebuild -- <${askable.join('|')}> [projection]   (with npm start running)`);
  process.exit(2);
}

async function ask(method, path) {
  const response = await fetch(new URL(`/v1/operations/${service}/${path}`, url), { method, headers: { authorization: `Bearer ${key}` } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `the Center answered ${response.status}`);
  return body;
}

/** @returns how a rebuild goes, in a line. */
function told({ name, rebuild }) {
  if (!rebuild) return `${name}: never rebuilt`;
  const { state, folded, toFold, error, endedAt } = rebuild;
  const progress = toFold > 0 ? `${folded} of ${Math.max(folded, toFold)} messages` : `${folded} messages`;
  if (state === 'folding') return `${name}: being rebuilt, ${progress} folded`;
  return state === 'done'
    ? `${name}: rebuilt at ${endedAt} from ${folded} messages`
    : `${name}: the rebuild failed at ${endedAt}: ${error}`;
}

/** Shows how a rebuild goes until it has ended. @returns whether it went well. */
async function follow(name) {
  for (let last = ''; ; await sleep(1000)) {
    const { projections } = await ask('GET', 'projections');
    const found = projections.find((one) => one.name === name);
    const line = told(found);
    if (line !== last) console.log(line);
    last = line;
    if (found.rebuild?.state === 'folding') continue;
    for (const { topic, key: left, reason } of found.rebuild?.leftOut ?? []) console.log(`left out: ${topic} ${left}: ${reason}`);
    return found.rebuild?.state === 'done';
  }
}

try {
  if (projection) {
    await ask('POST', `projections/${encodeURIComponent(projection)}/rebuild`);
    if (!(await follow(projection))) process.exit(1);
  } else {
    const { consumers } = await ask('GET', 'consumers');
    const { projections } = await ask('GET', 'projections');
    const { parked, total } = await ask('GET', 'dead-letters');
    for (const one of projections) console.log(`projection ${told(one)}`);
    for (const { group, state: how } of consumers) console.log(`consumer ${group}: ${how}`);
    for (const { consumerGroup, key: name, kind, reason, redriving } of parked) {
      const left = redriving === null ? '' : `; being redriven, ${redriving} events are left`;
      console.log(`parked in ${consumerGroup} (${kind}): ${name}: ${reason}${left}`);
    }
    if (total > parked.length) console.log(`and ${total - parked.length} more parked keys`);
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
