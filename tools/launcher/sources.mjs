import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What lies among sources and is none. */
const made = new Set(['dist', 'node_modules']);

/** @returns the state of each file under these folders, by its path: its size and when it was saved. */
export function statesOf(folders) {
  const states = new Map();
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (made.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else {
        // An editor's draft may be gone by now.
        const found = statSync(path, { throwIfNoEntry: false });
        if (found) states.set(path, `${found.size} ${found.mtimeMs}`);
      }
    }
  };
  for (const folder of folders) visit(folder);
  return states;
}

/** @returns the files that were saved, made or removed between two states. */
export function savedBetween(before, after) {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}
