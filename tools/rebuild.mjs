import { openInstance, readState } from './launcher/instance.mjs';

/*
 * npm run rebuild -- <service> <projection>      folds the whole log into a projection again
 * npm run rebuild -- <service>                   lists what can be rebuilt, and keys that are parked
 * CENTER_URL and OPERATOR_KEY name another Center than the one npm start runs.
 */
const [service, projection] = process.argv.slice(2);
const state = readState(openInstance('dev'));
const url = process.env.CENTER_URL ?? state?.url;
const key = process.env.OPERATOR_KEY ?? state?.secrets.operatorKey;
if (!service || !url || !key) {
  console.error(
    'Usage: npm run rebuild -- <calls|presence|notifications|webhooks|media|directory> [projection]   (with npm start running)',
  );
  process.exit(2);
}

async function ask(method, path) {
  const response = await fetch(new URL(`/v1/operations/${service}/${path}`, url), { method, headers: { authorization: `Bearer ${key}` } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `the Center answered ${response.status}`);
  return body;
}

try {
  if (projection) {
    const { folded } = await ask('POST', `projections/${encodeURIComponent(projection)}/rebuild`);
    console.log(`${service} ${projection}: rebuilt from ${folded} events`);
  } else {
    const { consumers, projections } = await ask('GET', 'consumers');
    const { parked } = await ask('GET', 'dead-letters');
    console.log(`projections: ${projections.join(', ') || 'none'}`);
    for (const { group, state: how } of consumers) console.log(`consumer ${group}: ${how}`);
    for (const { consumerGroup, key: name, reason } of parked) console.log(`parked in ${consumerGroup}: ${name}: ${reason}`);
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
