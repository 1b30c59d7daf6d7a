import { rmSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { bundles, entryOf } from './launcher/instance.mjs';
import { serviceNames } from './launcher/registry.mjs';

/*
 * Puts the compiled services, with all they import, into a few files under dist/: reading and compiling thousands of them is
 * most of what a start costs. Names are kept and nothing is shortened, so that a trace can be read in them.
 */
const input = Object.fromEntries(serviceNames.map((name) => [name, entryOf(name, { isWatched: true })]));
// Optional parts of libraries are left out where they are not installed: the libraries bear it.
const build = await rolldown({ input, platform: 'node', logLevel: 'silent' });
rmSync(bundles, { recursive: true, force: true });
// Some libraries need others to have run before them, in whichever file those lie.
await build.write({ dir: bundles, format: 'esm', keepNames: true, strictExecutionOrder: true });
await build.close();
