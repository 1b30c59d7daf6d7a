import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { bundles, entryOf } from './launcher/instance.mjs';
import { root, serviceNames } from './launcher/registry.mjs';

/*
 * Puts the compiled services, with all they import, into a few files under dist/: reading and compiling thousands of them is
 * most of what a start costs. Names are kept and nothing is shortened, so that a trace can be read in them.
 */
const input = Object.fromEntries(serviceNames.map((name) => [name, entryOf(name, { isWatched: true })]));
// Broadcasts are made by processes of their own, beside the service.
input['media-studio'] = join(root, 'apps/media/dist/broadcasts/studio/main.js');
/** npm gives each of us a copy of its own, since a tool brings an older one along: one is enough. */
const undici = dirname(createRequire(join(root, 'libs/service/package.json')).resolve('undici/package.json'));
// Optional parts of libraries are left out where they are not installed: the libraries bear it.
const build = await rolldown({ input, platform: 'node', logLevel: 'silent', resolve: { alias: { undici } } });
rmSync(bundles, { recursive: true, force: true });
// One character that is no Latin-1 would have Node keep the whole file in two bytes a character, for as long as a service runs.
// Some libraries need others to have run before them, in whichever file those lie.
await build.write({
  dir: bundles,
  format: 'esm',
  keepNames: true,
  strictExecutionOrder: true,
  charset: 'ascii',
  comments: { legal: true, annotation: false, jsdoc: false },
});
await build.close();
