import { setTimeout as sleep } from 'node:timers/promises';
import { openInstance, readState } from './launcher/instance.mjs';
import { registry } from './launcher/registry.mjs';

/*
 * npm run rotate -- secrets      seals with the first key of SECRETS_KEY what the others sealed, beside the running services, and shows how it goes
 * npm run rotate -- status       shows which keys sealed how much, and changes nothing
 * It may be ended, or die, at any moment: run again it goes on. CENTER_URL and OPERATOR_KEY name another Center than the one npm start runs.
 */
const [what] = process.argv.slice(2);
const state = readState(openInstance('dev'));
const url = process.env.CENTER_URL ?? state?.url;
const key = process.env.OPERATOR_KEY ?? state?.secrets.operatorKey;
if (!['secrets', 'status'].includes(what) || !url || !key) {
  console.error('Usage: npm run rotate -- <secrets|status>   (with npm start running, or CENTER_URL and OPERATOR_KEY set)');
  process.exit(2);
}

/** Until when a Center that does not answer, or is being brought to the new setting, is asked again. */
const patienceMs = 60_000;
/** Replicas are asked in turn, with what others ask in between: so many answers have, as good as surely, come from each. */
const looks = 8;

/** A replica that answers nothing, or cannot decide, is asked again, with jitter; a refusal is final. */
async function ask(method, path, body) {
  const deadline = Date.now() + patienceMs;
  for (let wait = 200; ; wait = Math.min(2 * wait, 5000)) {
    const problem = await once(method, path, body).catch((error) => ({ error, isPassing: true }));
    if (!problem.error) return problem.answer;
    if (!problem.isPassing || Date.now() + wait > deadline) throw problem.error;
    await sleep(wait * (0.5 + Math.random()));
  }
}

async function once(method, path, body) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  const answer = await response.json();
  if (response.ok) return { answer };
  return { error: new Error(answer.detail ?? `the Center answered ${response.status}`), isPassing: response.status >= 500 };
}

const told = ({ keyId, values }) => (keyId === null ? `${values} that name no key here` : `${values} with ${keyId}`);
const show = (service, { keyId, keys }) => console.log(`${service}: seals with ${keyId}; has ${keys.map(told).join(', ')}`);

/** @returns what a service keeps sealed. @throws Error where its replicas do not seal with the same key. */
async function look(service) {
  const seen = [];
  for (let times = 0; times < looks; times += 1) seen.push(await ask('GET', `/v1/operations/${service}/secrets`));
  const keyIds = [...new Set(seen.map(({ keyId }) => keyId))];
  if (keyIds.length > 1)
    throw new Error(`${service}: some replicas seal with ${keyIds.join(', some with ')}: put the same key first at all of them`);
  return seen[0];
}

/** @returns whether nothing is left that another key sealed. */
async function reseal(service) {
  const before = await look(service);
  show(service, before);
  let { left } = before;
  for (let stuck = 0; left > 0 && stuck < 5; ) {
    const done = await ask('POST', `/v1/operations/${service}/secrets/reseal`, { keyId: before.keyId });
    ({ left } = done);
    console.log(`${service}: ${done.resealed} sealed anew, ${left} left`);
    if (left > 0 && left === done.unreadable && done.resealed === 0) {
      console.error(`${service}: no key in SECRETS_KEY opens ${left} of them: add the key that sealed them`);
      return false;
    }
    // Rows that others were writing are left for the next time.
    stuck = done.resealed > 0 ? 0 : stuck + 1;
    if (left > 0 && stuck > 0) await sleep(500 * (0.5 + Math.random()));
  }
  if (left > 0) console.error(`${service}: ${left} are left: run this again`);
  return left === 0;
}

try {
  const keepers = registry.filter(({ secrets = {} }) => 'SECRETS_KEY' in secrets).map(({ name }) => name);
  let isDone = true;
  for (const service of keepers) {
    if (what === 'status') show(service, await look(service));
    else isDone = (await reseal(service)) && isDone;
  }
  if (!isDone) process.exit(1);
  if (what === 'secrets') console.log('Everything is sealed with the first key: the others may be taken out of SECRETS_KEY.');
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
