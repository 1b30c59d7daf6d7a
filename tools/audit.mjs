import { spawnSync } from 'node:child_process';
import { judgeAudit } from './launcher/audit-report.mjs';
import { root } from './launcher/registry.mjs';

/*
 * npm run audit              asks the registry which versions in the lock file have faults that are known; exits with 1 when one is high or
 *                            critical, and with 0, saying so, where no registry answers
 * npm run audit -- --warn    exits with 0 whatever is found: a fault that was found today breaks no build of yesterday
 */
const done = spawnSync('npm', ['audit', '--json'], { cwd: root, encoding: 'utf8', timeout: 120_000, maxBuffer: 67_108_864 });
const { said, isBad } = judgeAudit(done.stdout ?? '', done.stderr || done.error?.message || '');
for (const line of said) console.log(line);
process.exit(isBad && !process.argv.includes('--warn') ? 1 : 0);
