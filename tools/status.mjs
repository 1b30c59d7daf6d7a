import { askControl } from './launcher/control.mjs';
import { openInstance } from './launcher/instance.mjs';

const status = await askControl(openInstance('dev').controlSocket, 'GET', '/status');
if (!status) {
  console.log('Not running. Start it with: npm start');
  process.exit(0);
}
console.log(
  `Running at ${status.url}   app ${status.app ?? '(none: the database is yours)'}   API key ${status.demoKey ?? '(not made)'}   supervisor pid ${status.pid}\n`,
);
for (const { name, pid, state, isLent, log } of status.processes)
  console.log(`  ${name.padEnd(14)} ${String(pid).padEnd(8)} ${(isLent ? `${state} from sources` : state).padEnd(24)} ${log}`);
