import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { askControl } from './control.mjs';
import { startFleet } from './fleet.mjs';
import { findProgram, provide } from './infrastructure/packages.mjs';
import { dataFolders, openInstance, root } from './instance.mjs';
import { Refusal, say } from './output.mjs';
import { Processes } from './processes.mjs';
import { pinnedNode } from './services.mjs';

/** Leases and time-outs short enough to be waited for; everything else as it is shipped. */
const shortTimes = (ports) => ({
  gateway: { LEASE_MS: '3000', HEARTBEAT_MS: '1000', CONNECT_TIMEOUT_MS: '1500', STREAM_CHECK_MS: '1000' },
  calls: { CONNECTION_GRACE_MS: '8000' },
  media: { LEASE_MS: '3000', HEARTBEAT_MS: '1000', JOIN_TIMEOUT_MS: '1500' },
  webhooks: { REQUEST_TIMEOUT_MS: '3000', RETRY_SCHEDULE_SECONDS: '0,1,1,1,1,1' },
  notifications: { SMTP_URL: `smtp://127.0.0.1:${ports.smtp}`, MAIL_FROM: 'center@example.com', RETRY_SCHEDULE_SECONDS: '0,1,1,1,1,1' },
});

/** Replicas behind pgbouncer, each beside one that is not. */
const pooled = ['calls-2', 'presence-2', 'webhooks-2'];

/**
 * Runs tests on a fleet of their own, with two replicas of every service, and exits with what came of them. The last line
 * says `N passed, N failed`.
 * @param {string[]} args for Vitest: which projects and files.
 * @param {{settings?: Record<string, string>, replicas?: number, services?: string[]}} options environment of the tests, how many of each
 *   service, and which services: all unless told.
 */
export async function runTests(args, { settings = {}, replicas = 2, services } = {}) {
  const instance = openInstance('test');
  const report = join(instance.folder, 'report.json');
  let fleet;
  let failed = false;
  const stop = async () => {
    if (fleet) await fleet.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop().then(() => process.exit(1)));

  if (await askControl(instance.controlSocket, 'GET', '/status')) {
    console.error('The tests are running already, from this very folder: wait for them, or run them from another clone.');
    process.exit(1);
  }

  try {
    await new Processes(instance).endLeftovers();
    for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
    rmSync(report, { force: true });
    const chromium = provideChromium();
    const sipp = provideSipp();
    fleet = await startFleet(instance, { overrides: shortTimes, replicas, services, pooled });
    say('running the tests');
    const code = await vitest([...args, `--outputFile.json=${report}`], {
      ...settings,
      CENTER_INSTANCE_FILE: instance.stateFile,
      CHROMIUM: chromium,
      SIPP: sipp,
    });
    failed = code !== 0;
  } catch (error) {
    failed = true;
    console.error(error instanceof Refusal ? error.message : error);
  } finally {
    await stop();
    // Logs and the report stay for a look; what the servers remembered does not.
    for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
  }
  const { passed, failures, pending } = countsOf(report, failed);
  console.log(`${passed} passed, ${failures} failed${pending ? `, ${pending} skipped` : ''}`);
  process.exit(failures > 0 ? 1 : 0);
}

function provideChromium() {
  const find = () => process.env.CHROMIUM || findProgram('chromium') || findProgram('chromium-browser') || findProgram('google-chrome');
  const chromium = provide({ what: 'Chromium, for the browser tests,', find, packages: ['chromium'], variable: 'CHROMIUM' });
  if (chromium === 'compose') throw new Refusal('Chromium is missing: install it, or set CHROMIUM to its path.');
  return chromium;
}

function provideSipp() {
  const find = () => process.env.SIPP || findProgram('sipp');
  const sipp = provide({ what: 'sipp, the phone of the SIP tests,', find, packages: ['sip-tester'], variable: 'SIPP' });
  if (sipp === 'compose') throw new Refusal('sipp is missing: install it (sip-tester on Debian), or set SIPP to its path.');
  return sipp;
}

function vitest(args, settings) {
  const reporters = ['--reporter=default', '--reporter=json'];
  return new Promise((resolve) => {
    spawn(pinnedNode, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args], {
      cwd: root,
      env: { ...process.env, ...settings, NODE_OPTIONS: '--disable-warning=TimeoutNegativeWarning' },
      stdio: 'inherit',
    }).once('exit', resolve);
  });
}

function countsOf(report, failed) {
  const counts = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  // A file that could not be loaded ran no test, and counts as one that failed.
  const broken =
    counts.testResults?.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0).length ?? 0;
  const failures = Math.max(counts.numFailedTests + broken, failed ? 1 : 0);
  return { passed: counts.numPassedTests, failures, pending: counts.numPendingTests };
}
