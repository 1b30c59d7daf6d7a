import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, checkTypes, installPackages } from './build.mjs';
import { askControl } from './control.mjs';
import { keepOnOneBroker, startFleet } from './fleet.mjs';
import { findProgram, provide, provideIfPossible } from './infrastructure/packages.mjs';
import { makeCertificates } from './infrastructure/secured.mjs';
import { dataFolders, openInstance } from './instance.mjs';
import { countsOf, failuresOf, secondTriesOf, slowestOf, worthAnotherTry } from './outcomes.mjs';
import { Refusal, say } from './output.mjs';
import { Processes } from './processes.mjs';
import { secretsLeaked } from './secrets-kept.mjs';
import { compileCache } from './services.mjs';
import { runVitest } from './vitest-runs.mjs';

/** Leases and time-outs short enough to be waited for; everything else as it is shipped. */
const shortTimes = (ports) => ({
  every: { KAFKA_SESSION_MS: '4000' },
  gateway: { LEASE_MS: '3000', HEARTBEAT_MS: '1000', CONNECT_TIMEOUT_MS: '1500', STREAM_CHECK_MS: '1000' },
  calls: { CONNECTION_GRACE_MS: '8000' },
  directory: { STUCK_AFTER_MS: '6000' },
  // A media socket whose network is gone is kept for as long as it is shipped to be.
  media: { LEASE_MS: '3000', JOIN_TIMEOUT_MS: '1500' },
  webhooks: { REQUEST_TIMEOUT_MS: '8000', RETRY_SCHEDULE_SECONDS: '0,1,1,1,1,1' },
  notifications: {
    SMTP_URL: `smtp://127.0.0.1:${ports.smtp}`,
    MAIL_FROM: 'center@example.com',
    RETRY_SCHEDULE_SECONDS: '0,1,1,1,1,1',
    APNS_HOST: `127.0.0.1:${ports.apns}`,
    APNS_DEVELOPMENT_HOST: `127.0.0.1:${ports.apns}`,
    GOOGLE_HOST: `127.0.0.1:${ports.google}`,
    PUSH_TIMEOUT_MS: '3000',
    TWILIO_HOST: `127.0.0.1:${ports.twilio}`,
  },
});

/** Under which those that stand in for the services of pushes and SMS are asked. */
const pushNames = 'IP:127.0.0.1,DNS:localhost,DNS:fcm.googleapis.com,DNS:oauth2.googleapis.com,DNS:api.twilio.com';

/**
 * Statements are counted, so that a test can tell what a call costs. What a test kills is a process, never the machine: nothing waits for
 * a disk. Statements are not compiled, as services have it.
 */
const databaseSettings = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.save': 'off',
  fsync: 'off',
  full_page_writes: 'off',
  jit: 'off',
};

/** Replicas behind pgbouncer, each beside one that is not. */
const pooled = ['calls-2', 'presence-2', 'webhooks-2'];

/** Replicas of the far host: they reach PostgreSQL and Kafka through one line, which can be cut. */
const farReplicas = ['calls', 'presence', 'webhooks'];

/** The groups that `--project` may name, each with Vitest's own that it is made of. */
export const groups = {
  unit: ['unit'],
  integration: ['integration', 'database', 'log', 'own-servers'],
  browser: ['browser'],
  'local-faults': ['local-faults'],
  faults: ['server-faults', 'faults'],
};

/**
 * All tests, in runs of Vitest one after the other. Those that break PostgreSQL or brokers, or count what they do, come first: what comes
 * later does without three copies of the log. Pages cost the processors as long as they are open, so that few are open at a time, beside
 * those who mostly wait. What runs `beside` has the processors mostly while nobody else wants them, until the last run has ended: whoever
 * breaks the fleet mostly waits for it, and what does not need what is broken has a use for that time. Beside those who break PostgreSQL
 * or brokers that is what is pure. What comes `afterwards` is beside too, from when the pages are closed. What has servers of its own is
 * part of `npm run check:long`.
 */
export const wholeRun = [
  { projects: ['server-faults'], beside: ['unit'], isLastOnAllBrokers: true },
  { projects: ['integration'], alongside: ['browser'], afterwards: ['database'] },
  { projects: ['local-faults'], beside: ['log'] },
  { projects: ['faults'] },
];

/** @returns the runs that some groups are made in: one, and pure tests beside it, unless everything is to be run. */
function runsFor(wanted, args) {
  const isWhole = args.length === 0 && Object.keys(groups).every((group) => wanted.includes(group));
  if (isWhole) return wholeRun;
  const projects = wanted.flatMap((group) => groups[group] ?? []);
  return [{ projects: projects.filter((project) => project !== 'unit'), beside: projects.filter((project) => project === 'unit') }];
}

/**
 * Runs tests on a fleet of their own, with two replicas of every service, and exits with what came of them. The last line says
 * `N passed, N failed`.
 * @param {string[]} args for Vitest: files and the like.
 * @param {object} options
 * @param {(keyof groups)[]} [options.projects] which groups of tests: all unless told.
 * @param {Record<string, string>} [options.settings] environment of the tests.
 * @param {number} [options.replicas] how many of each service.
 * @param {number} [options.brokers] how many brokers of Kafka.
 * @param {string[]} [options.services] which services: all unless told.
 * @param {string[]} [options.asShipped] services that keep the leases and time-outs they are shipped with.
 * @param {Record<string, Record<string, string>>} [options.overrides] settings of services, by their names, for this run alone.
 */
export async function runTests(args, options = {}) {
  const { projects = Object.keys(groups), replicas = 2, brokers = 3, services, asShipped = [], overrides = {} } = options;
  const runs = runsFor(projects, args);
  if (runs.every((run) => run.projects.length === 0)) return runPure(args, options.settings);
  const instance = openInstance('test');
  const settings = { ...compileCache(instance), ...options.settings };
  const reportOf = (name) => join(instance.folder, `report-${name}.json`);
  const reports = runs
    .flatMap(({ projects, alongside = [], beside = [], afterwards = [] }) => [projects[0], ...alongside, ...beside, ...afterwards])
    .map(reportOf);
  /** Of each run of Vitest: its groups, and whether all went well. */
  const ended = [];
  let passedAlone = [];
  let fleet;
  let sound = true;
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
    for (const folder of [...dataFolders(instance), join(instance.folder, 'secrets-told'), ...reports])
      rmSync(folder, { recursive: true, force: true });
    const chromium = provideChromium();
    const sipp = provideSipp();
    const pushed = makeCertificates(join(instance.folder, 'push'), pushNames);
    fleet = await startFleet(instance, {
      overrides: (ports) => {
        const all = shortTimes(ports);
        for (const service of asShipped) delete all[service];
        all.notifications.PUSH_CA_FILE = pushed.ca;
        for (const [service, settings] of Object.entries(overrides)) all[service] = { ...all[service], ...settings };
        return all;
      },
      databaseSettings,
      replicas,
      brokers,
      services,
      pooled,
      far: farReplicas,
      keepsData: false,
    });
    say('running the tests');
    const found = { CENTER_INSTANCE_FILE: instance.stateFile, CHROMIUM: chromium, SIPP: sipp };
    const run = (names, place, more, name = names[0]) =>
      runVitest([...names.map((project) => `--project=${project}`), ...more], {
        report: reportOf(name),
        settings: { ...settings, ...found },
        place,
      });
    const test = async (names, place, more = []) => {
      const isWell = await run(names, place, [...more, ...args]);
      ended.push({ names, isWell });
    };
    const besides = [];
    for (const [index, { projects: names, alongside = [], beside = [], afterwards = [], isLastOnAllBrokers }] of runs.entries()) {
      // One for each processor but one is the usual; half of their time is waiting.
      const [first, ...others] = beside.map((name) => () => test([name], 'beside', name === 'unit' ? ['--maxWorkers=2'] : []));
      const types = async () => {
        sound = (await typesAreRight()) && sound;
      };
      besides.push(inTurn([...(first ? [first] : []), ...(index === 0 ? [types] : [])]), ...others.map((other) => other()));
      const pages = Promise.all(alongside.map((name) => test([name], 'alongside')));
      besides.push(pages.then(() => inTurn(afterwards.map((name) => () => test([name], 'beside')))));
      await Promise.all([test(names, 'front'), pages]);
      if (!isLastOnAllBrokers) continue;
      await Promise.all(besides.splice(0));
      if (brokers > 1) await keepOnOneBroker(instance, fleet.servers);
      await fleet.ready();
    }
    await Promise.all(besides);
    passedAlone = await tryAlone(ended, reportOf, async (names, { files, pattern }) => {
      await fleet.ready();
      rmSync(reportOf(`${names[0]}-alone`), { force: true });
      await run(names, 'front', [...files, ...(pattern ? ['-t', pattern] : [])], `${names[0]}-alone`);
    });
    sound = ended.every(({ isWell }) => isWell) && sound;
    // Logs and command lines of the whole run: no test by itself sees them all.
    const leaked = secretsLeaked(instance);
    for (const where of leaked.slice(0, 20)) say(`a secret stands where it may not: ${where}`);
    sound &&= leaked.length === 0;
  } catch (error) {
    sound = false;
    console.error(error instanceof Refusal ? error.message : error);
  } finally {
    await stop();
    // Logs and the reports stay for a look; what the servers remembered does not.
    for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
  }
  tellAndExit(reports, sound, passedAlone);
}

/** Begins each of these when the one before it has ended. */
async function inTurn(works) {
  for (const work of works) await work();
}

/**
 * Tries once more, alone, what failed in runs where others kept the processors busy: `npm test` says which, and a second failure counts.
 * @param {{names: string[], isWell: boolean}[]} ended the runs; one whose failures all pass now is well.
 * @returns {Promise<import('./outcomes.mjs').Outcome[]>} what passed.
 */
async function tryAlone(ended, reportOf, runAlone) {
  const passed = [];
  for (const run of ended.filter(({ isWell }) => !isWell)) {
    const failures = failuresOf(reportOf(run.names[0]));
    const again = worthAnotherTry(failures);
    if (!again) continue;
    say(`tried once more, alone: ${again.files.join(', ')}`);
    await runAlone(run.names, again);
    const report = reportOf(`${run.names[0]}-alone`);
    // As many have to pass as failed: one that was not found is no test that passed.
    if (failuresOf(report).length > 0 || countsOf([report]).passed < failures.length) continue;
    run.isWell = true;
    passed.push(...failures);
  }
  return passed;
}

/** Checks types while tests run. @returns whether they are right; says what is wrong otherwise. */
function typesAreRight() {
  return checkTypes().then(
    () => true,
    (error) => {
      say(error instanceof Refusal ? error.message : String(error));
      return false;
    },
  );
}

/** Runs the tests that need no fleet, without one. */
async function runPure(args, settings) {
  const instance = openInstance('test');
  const report = join(instance.folder, 'report-unit.json');
  rmSync(report, { force: true });
  let sound = true;
  try {
    await installPackages();
    await build();
    // Half of their time is waiting for time-outs, and nothing else needs the processors.
    const given = { report, settings: { ...compileCache(instance), ...settings } };
    const outcomes = await Promise.all([typesAreRight(), runVitest(['--project=unit', '--maxWorkers=3', ...args], given)]);
    sound = outcomes.every(Boolean);
  } catch (error) {
    sound = false;
    console.error(error instanceof Refusal ? error.message : error);
  }
  tellAndExit([report], sound);
}

/**
 * Ends the process. Those that failed come last, by name and with what was wrong: of a long output the end is what one sees.
 * @param {string[]} reports of all runs.
 * @param {boolean} sound whether all else was well.
 * @param {import('./outcomes.mjs').Outcome[]} passedAlone what counts as passed, though it failed among others.
 */
function tellAndExit(reports, sound, passedAlone = []) {
  const { passed, failures, pending } = countsOf(reports);
  const failed = Math.max(failures - passedAlone.length, sound && passed > 0 ? 0 : 1);
  const slowest = slowestOf(reports).map(({ file, seconds }) => `${file} ${seconds.toFixed(0)} s`);
  say(`the slowest: ${slowest.join(', ')}`);
  const isPassedAlone = ({ file, name }) => passedAlone.some((one) => one.file === file && one.name === name);
  const all = reports.flatMap(failuresOf);
  tellOutcomes('passed at the second try', reports.flatMap(secondTriesOf));
  tellOutcomes('passed at the second try, alone', all.filter(isPassedAlone));
  tellOutcomes(
    'FAILED',
    all.filter((one) => !isPassedAlone(one)),
  );
  console.log(`${passed + passedAlone.length} passed, ${failed} failed${pending ? `, ${pending} skipped` : ''}`);
  process.exit(failed > 0 ? 1 : 0);
}

function tellOutcomes(how, outcomes, most = 20) {
  for (const { file, name, why } of outcomes.slice(0, most)) {
    console.log(`${how}: ${file}${name === undefined ? '' : ` > ${name}`}\n${why.replace(/^/gm, '    ')}`);
  }
  if (outcomes.length > most) console.log(`${how}: ${outcomes.length - most} more`);
}

/** @returns Chromium without a window, whose pages cost a fifth of the processors' time, or the whole browser where there is no such. */
function provideChromium() {
  const anyOf = (names) => names.map((name) => findProgram(name)).find(Boolean);
  const withoutWindow = () => process.env.CHROMIUM || anyOf(['chromium-headless-shell', 'chrome-headless-shell']);
  const light = provideIfPossible({ find: withoutWindow, packages: ['chromium-headless-shell'] });
  if (light) return light;
  const find = () => anyOf(['chromium', 'chromium-browser', 'google-chrome']);
  const whole = provide({ what: 'Chromium, for the browser tests,', find, packages: ['chromium'], variable: 'CHROMIUM' });
  if (whole === 'compose') throw new Refusal('Chromium is missing: install it, or set CHROMIUM to its path.');
  return whole;
}

function provideSipp() {
  const find = () => process.env.SIPP || findProgram('sipp');
  const sipp = provide({ what: 'sipp, the phone of the SIP tests,', find, packages: ['sip-tester'], variable: 'SIPP' });
  if (sipp === 'compose') throw new Refusal('sipp is missing: install it (sip-tester on Debian), or set SIPP to its path.');
  return sipp;
}
