import { parseArgs } from 'node:util';
import { followEvents, keepEvents, Refused } from './cc/event-stream.mjs';
import { forward, newSecret } from './cc/forward.mjs';
import { openInstance, readState } from './launcher/instance.mjs';

/*
 * npm run cc -- listen --forward-to http://localhost:3000/hook     posts each event of the app to a receiver that has no public address, signed as a webhook
 * npm run cc -- listen                                             shows them alone
 *   --types call.ended,presence.*   which ones        --from 2026-11-28T09:30:00Z   from then on; `start`, `end` (without it) or a cursor
 *   --secret whsec_…                to sign with; WEBHOOK_SECRET, or a new one that is shown, without it
 * The events of the app are kept from its first call on, by a consumer of the name `listen`; DELETE /v1/events/consumers/listen ends that.
 * CENTER_URL and CENTER_API_KEY (with the scope webhooks) name another Center and app than the demo of npm start. Ctrl-C ends it.
 */
const usage = 'Usage: npm run cc -- listen [--forward-to http://localhost:3000/hook] [--types call.*] [--from start] [--secret whsec_…]';
const options = {
  'forward-to': { type: 'string' },
  from: { type: 'string', default: 'end' },
  types: { type: 'string' },
  secret: { type: 'string' },
};

function end(message) {
  console.error(message);
  process.exit(1);
}

function asked() {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.join() !== 'listen') end(usage);
    return values;
  } catch (error) {
    return end(`${error.message}\n${usage}`);
  }
}

const { 'forward-to': to, from, types, secret = process.env.WEBHOOK_SECRET } = asked();
if (to !== undefined && !/^https?:$/.test(URL.canParse(to) ? new URL(to).protocol : '')) end(`--forward-to ${to} is no address of the web`);
if (secret !== undefined && !secret.startsWith('whsec_')) end('The secret is to begin with whsec_');
const state = readState(openInstance(process.env.CENTER_INSTANCE ?? 'dev'));
const url = process.env.CENTER_URL ?? state?.url;
const key = process.env.CENTER_API_KEY ?? state?.demoKey;
if (!url || !key) end('Set CENTER_URL and CENTER_API_KEY, or let npm start run: there is no demo app here');

const leaving = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => leaving.abort());
const signing = secret ?? newSecret();
console.log(`following the events of ${url}${to ? `, posting them to ${to}` : ''}`);
if (to && !secret) console.log(`signed with WEBHOOK_SECRET=${signing}`);

try {
  const wanted = types?.split(',');
  await keepEvents({ url, key, name: 'listen', types: wanted });
  const follow = { url, key, from, types: wanted, signal: leaving.signal, say: (line) => console.log(line) };
  await followEvents(follow, async (event) => {
    const outcome = to ? await forward({ to, secret: signing, event, signal: leaving.signal }) : JSON.stringify(event.data);
    console.log(`${event.timestamp} ${event.type} ${event.data.callId ?? event.data.userAlias ?? ''} ${event.id}: ${outcome}`);
  });
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  end(error.message);
}
