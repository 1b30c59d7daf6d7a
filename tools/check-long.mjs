import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './launcher/registry.mjs';

/*
 * npm run check:long                what takes too long for npm test, one after the other; a summary at the end
 * npm run check:long -- 1           the same with every time divided: one minute instead of ten
 */
const minutes = process.argv[2] ?? '10';
const seconds = String(Number(minutes) * 60);

const checks = [
  { what: `${minutes} minutes of calls on three brokers`, script: 'check-calls.mjs', args: ['--minutes', minutes] },
  {
    what: 'rules that are broken, and events that a topic lacks, being found',
    script: 'test.mjs',
    args: ['--brokers', '1', '--project', 'integration', 'e2e/call-history/sabotage', 'e2e/check-log'],
    env: { EVERY_CHECKER: 'true' },
  },
  { what: `${minutes} minutes without PostgreSQL`, script: 'test.mjs', args: ['e2e/outage.faults'], env: { OUTAGE_SECONDS: seconds } },
  {
    what: 'a calls replica that hangs, before and after it is asked',
    script: 'test.mjs',
    args: ['e2e/hung-calls'],
    env: { EVERY_HANG: 'true' },
  },
  {
    what: 'a notifications process that is killed between an e-mail, or SMS, and its record',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'local-faults', 'e2e/telling.local'],
    env: { EVERY_KILL: 'true' },
  },
  {
    what: 'every state of the page in Chromium and Firefox, light and dark, on both widths, judged by every rule',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser', 'e2e/accessible-page'],
    env: { EVERY_LOOK: 'true', EACH_BROWSER: 'true' },
  },
  // It is timed, so nothing else runs beside it.
  {
    what: 'how large the page is in Chromium and Firefox, and how soon it can be used',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser', 'e2e/light-page'],
    env: { EVERY_LOOK: 'true', EACH_BROWSER: 'true' },
  },
  {
    what: 'a screen that is shared while people come, and look elsewhere',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser', 'e2e/browser-screen'],
    env: { EVERY_SCREEN: 'true' },
  },
  {
    what: 'a call of two browsers that is recorded, paused, made into files and looked into',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'faults', 'e2e/media/recordings.faults'],
    env: { EVERY_RECORDING: 'true' },
  },
  {
    what: 'a recording whose Janus is killed, one of three people and a screen, and the page’s choices for it',
    script: 'test.mjs',
    args: ['--brokers', '1', '--project', 'browser,faults', 'e2e/media/recordings-go-on', 'e2e/browser-recording'],
    env: { EVERY_RECORDING: 'true' },
  },
  {
    what: 'a disk that becomes full while a call is recorded',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'faults', 'e2e/media/full-disk'],
    env: { EVERY_RECORDING: 'true' },
  },
  {
    what: 'an S3 server that hangs in the middle of what it is sent',
    script: 'test.mjs',
    args: ['--services', 'none', '--brokers', '1', '--project', 'integration', 'apps/media/src/recordings/kept-late'],
    env: { S3_HANGS: 'true' },
  },
  {
    what: 'what makes a broadcast, with real media, a second run, a server of RTMP and a disk that is full',
    script: 'test.mjs',
    args: ['--services', 'none', '--brokers', '1', 'apps/media/src/broadcasts/studio', 'apps/media/src/broadcasts/limits'],
    env: { EVERY_BROADCAST: 'true' },
  },
  {
    what: 'a broadcast whose encoder, and whose media service, are killed while somebody watches',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'faults', 'e2e/media/broadcasts'],
    env: { EVERY_BROADCAST: 'true' },
  },
  {
    what: 'a crowd of 400 that watches a broadcast, beside calls that begin',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'faults', 'e2e/media/viewers-crowd'],
    env: { VIEWERS_CROWD: '400' },
  },
  {
    what: 'a device whose media cannot get through',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser', 'e2e/browser-call.e2e'],
    env: { NO_WAY_THROUGH: 'true' },
  },
  {
    what: 'a call over a network that loses one packet in twenty and holds up the others for 300 ms each way',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser', 'e2e/sdk-in-browser/lossy-path'],
    env: { LOSSY_PATH: 'true' },
  },
  {
    what: 'calls that a coturn relays, over UDP and over TLS, and tests before calls that tell of it',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser', 'e2e/sdk-in-browser/relayed'],
    env: {
      TURN_URLS: 'turn:127.0.0.1:23478?transport=udp,turn:127.0.0.1:23478?transport=tcp,turns:127.0.0.1:23479?transport=tcp',
      TURN_SECRET: 'what-a-test-shares-with-its-relay',
    },
  },
  {
    what: 'cameras and screens beyond what an app lets a call carry, begun at the same moment at two replicas',
    script: 'test.mjs',
    args: ['--brokers', '1', '--project', 'browser', 'e2e/sdk-in-browser/few-streams'],
    env: { FEW_STREAMS: '20' },
  },
  {
    what: 'how the media of calls went, among a million samples',
    script: 'test.mjs',
    args: ['--services', 'none', 'apps/media/src/quality'],
    env: { QUALITY_ROWS: '1000000' },
  },
  { what: 'a crowd of 5,000 that leaves, is put out or comes at once', script: 'test.mjs', args: ['e2e/crowd'], env: { CROWD: '5000' } },
  {
    what: 'a gateway with 20,000 sessions that is swept, or drained',
    script: 'test.mjs',
    args: ['--services', 'none', 'libs/service/src/sessions'],
    env: { SESSIONS_CROWD: '20000' },
  },
  {
    what: 'a minute of every attack at once',
    script: 'test.mjs',
    args: ['--brokers', '1', 'e2e/hostile/attacks'],
    env: { ATTACK_SECONDS: '60' },
  },
  { what: 'the plans of all statements on a long history', script: 'check-history.mjs', args: ['--calls', '1000000'] },
  {
    what: 'a million ends of credentials on record',
    script: 'test.mjs',
    args: ['--services', 'none', 'apps/directory/src/ends'],
    env: { ENDS: '1000000' },
  },
  {
    what: 'a million rows of live calls, nonces, subscriptions, recordings, broadcasts, deleted apps, stored bytes, records, messages and attempts',
    script: 'test.mjs',
    args: [
      '--services',
      'none',
      'apps/calls/src/decide-in-groups/many-apps',
      'apps/sip/src/many-rows',
      'apps/media/src/recordings/many-recordings',
      'apps/media/src/broadcasts/many-broadcasts',
      'apps/directory/src/audit/many-entries',
      'apps/directory/src/stored-bytes',
      'apps/webhooks/src/read-deliveries/many-rows',
      'apps/webhooks/src/read-events/many-rows',
      'libs/service/src/erased-apps',
    ],
    env: { MANY_ROWS: '1000000' },
  },
  {
    what: 'a worker of webhooks that is killed, and a receiver that is away, in the middle of 10,000 deliveries',
    script: 'test.mjs',
    args: ['--brokers', '1', '--project', 'faults', 'e2e/webhook-proofs'],
    env: { WEBHOOK_PROOFS: '10000' },
  },
  {
    what: 'a thousand calls at once to people who are away, and a crowd of 5,000 beside another app’s ring',
    script: 'test.mjs',
    args: ['--services', 'none', 'apps/notifications/src/push-ring/push-crowd'],
    env: { PUSH_CROWD: '1000' },
  },
  {
    what: '30 seconds without a provider of pushes',
    script: 'test.mjs',
    args: ['--services', 'none', 'apps/notifications/src/push-ring/push-outage'],
    env: { PUSH_OUTAGE_SECONDS: '30' },
  },
  {
    what: 'media sockets that are lost for 20 s, media services that are killed and drained, and a Janus that is killed, in a call',
    script: 'test.mjs',
    args: ['--brokers', '1', '--project', 'faults', 'e2e/browser-call.faults'],
    env: { EVERY_MEDIA_FAULT: 'true' },
  },
  {
    what: 'a device of which nothing ever comes through, in a call',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser', 'e2e/sdk-in-browser/never-flows'],
    env: { EVERY_MEDIA_FAULT: 'true' },
  },
  {
    what: 'what a moderator forbade, while media and Janus are killed',
    script: 'test.mjs',
    args: ['--brokers', '1', '--project', 'faults', 'e2e/sdk-in-browser/moderation.faults'],
    env: { EVERY_MEDIA_FAULT: 'true' },
  },
  {
    what: 'the rooms of 500 calls, with media and Janus killed in the middle of them',
    script: 'test.mjs',
    args: ['--brokers', '1', '--project', 'faults', 'e2e/media/leaks'],
    env: { MANY_CALLS: '500' },
  },
  {
    what: 'servers that speak TLS alone, ask for certificates and have people sign in',
    script: 'test.mjs',
    args: ['--services', 'none', '--brokers', '1', '--project', 'integration', 'libs/service/src/secured-servers'],
  },
  { what: 'a service that is added by the recipe', script: 'check-recipe.mjs', args: [] },
  {
    what: 'a service that is developed in a running fleet',
    script: 'test.mjs',
    args: ['--brokers', '1', 'e2e/one-service'],
    env: { ONE_SERVICE: 'true' },
  },
  {
    what: 'every journey of the phone, the stage, screens, the wall and the keyboard in Firefox too',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--project', 'browser,local-faults', 'journeys'],
    env: { EACH_BROWSER: 'true' },
  },
  {
    what: 'a network that is cut for 20 s, in Chromium and in Firefox, with the grace that calls are shipped with',
    script: 'test.mjs',
    args: ['--replicas', '1', '--brokers', '1', '--as-shipped', 'calls', '--project', 'local-faults', 'e2e/cut-network'],
    env: { EACH_BROWSER: 'true' },
  },
  { what: 'six rolling restarts under load', script: 'test.mjs', args: ['e2e/restarts'], env: { ROLLING_RESTARTS: '6' } },
];

function run({ script, args, env }) {
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] };
    const child = spawn(process.execPath, [join(root, 'tools', script), ...args], options);
    let last = '';
    child.stdout.on('data', (data) => {
      process.stdout.write(data);
      last = String(data).trim().split('\n').at(-1) || last;
    });
    child.once('exit', (code) => resolve({ code, last }));
  });
}

const results = [];
for (const check of checks) {
  const startedAt = Date.now();
  console.log(`\n== ${check.what}`);
  const { code, last } = await run(check);
  results.push({ what: check.what, well: code === 0, last, minutes: ((Date.now() - startedAt) / 60_000).toFixed(1) });
}
console.log('\n');
for (const { what, well, last, minutes: took } of results) console.log(`${well ? 'ok    ' : 'FAILED'} ${what}: ${last} (${took} min)`);
process.exit(results.every(({ well }) => well) ? 0 : 1);
