import { askControl } from './launcher/control.mjs';
import { AlreadyRunning, startFleet } from './launcher/fleet.mjs';
import { openInstance } from './launcher/instance.mjs';
import { Refusal, say } from './launcher/output.mjs';
import { watchSources } from './launcher/watch.mjs';

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`Node 20 or newer is needed; this is ${process.version}.`);
  process.exit(1);
}

const instance = openInstance('dev');
const isWatched = process.argv.includes('--watch');
let stopRequested = false;
let fleet;
const stop = async (signal) => {
  if (stopRequested) return;
  stopRequested = true;
  say(`stopping (${signal})`);
  if (fleet) await fleet.stop();
  else await askControl(instance.controlSocket, 'POST', '/stop').catch(() => undefined);
  say('stopped; nothing is left running');
  process.exit(0);
};
process.on('SIGINT', () => void stop('Ctrl-C'));
process.on('SIGTERM', () => void stop('SIGTERM'));
process.on('SIGHUP', () => void stop('the terminal closed'));

try {
  fleet = await startFleet(instance, {
    fixedFrom: Number(process.env.CENTER_PORT ?? 4000),
    replicas: Number(process.env.CENTER_REPLICAS ?? 1),
    brokers: Number(process.env.CENTER_BROKERS ?? 1),
    isWatched,
  });
  say('ready');
  const demo = `
    Open     ${fleet.url}   in two browser windows, sign in as alice and bob, and call
    App id   ${fleet.app}
    API key  ${fleet.demoKey}`;
  const empty = `
    Open     ${fleet.url}   and sign in to an app of yours
    DATABASE_URL names a database of yours, so no demo app was made in it: make one with
    the operator's key, secrets.operatorKey in ${instance.stateFile}`;
  console.log(`
  Communication Center is ready.
${fleet.app ? demo : empty}

    npm run status  says what runs where; logs are in ${instance.folder}/logs
    Ctrl-C or npm stop  ends everything
`);
  if (isWatched) watchSources(fleet);
} catch (error) {
  if (error instanceof AlreadyRunning) {
    console.log(error.message);
    process.exit(0);
  }
  // A start that is interrupted fails somewhere: what asked for the stop says the last word.
  if (!stopRequested) {
    console.error(error instanceof Refusal ? `\n${error.message}` : error);
    process.exit(1);
  }
}
