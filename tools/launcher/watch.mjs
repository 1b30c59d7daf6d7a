import { watch } from 'node:fs';
import { join } from 'node:path';
import { say } from './output.mjs';
import { root, serviceNames } from './registry.mjs';
import { pinnedNode } from './services.mjs';

/** Rebuilds what changes and restarts the services built from it. */
export function watchSources({ processes }) {
  const compile = (name, args, cwd) => processes.start({ name, command: pinnedNode, args, cwd });
  compile('tsc-watch', [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--watch', '--preserveWatchOutput'], root);
  compile('vite-watch', [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--watch'], join(root, 'apps/console'));
  const restart = (name) =>
    debounce(name, () =>
      processes
        .stop(name)
        .then(() => processes.startAgain(name))
        .then(() => say(`${name} was restarted`)),
    );
  for (const name of serviceNames) watch(join(root, 'apps', name, 'dist'), { recursive: true }, () => restart(name));
  for (const lib of ['contracts', 'event-log', 'service']) {
    watch(join(root, 'libs', lib, 'dist'), { recursive: true }, () => serviceNames.forEach(restart));
  }
  say('watching: changes are compiled, and services restarted');
}

const timers = new Map();

function debounce(name, work) {
  clearTimeout(timers.get(name));
  timers.set(
    name,
    setTimeout(() => void work(), 800),
  );
}
