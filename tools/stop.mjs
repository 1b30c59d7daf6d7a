import { askControl } from './launcher/control.mjs';
import { openInstance } from './launcher/instance.mjs';
import { Processes } from './launcher/processes.mjs';

const instance = openInstance('dev');
const answer = await askControl(instance.controlSocket, 'POST', '/stop');
// A supervisor that was killed leaves its processes: they are found by their pid files.
if (!answer) await new Processes(instance).endLeftovers();
console.log(answer ? 'Stopped.' : 'No supervisor was running; nothing is left running now.');
process.exit(0);
