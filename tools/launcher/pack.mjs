import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const readPackage = (library) => JSON.parse(readFileSync(join(root, 'libs', library, 'package.json'), 'utf8'));

/**
 * Packs a library as it is installed outside the workspace: with those of the house that it needs inside, so that only what these need
 * comes from a registry.
 * @param {string} library its folder under libs/.
 * @param {string} folder where the tarball is put.
 * @param {string[]} [within] the libraries that go with it.
 * @returns {string} the path of the tarball.
 */
export function pack(library, folder, within = []) {
  const staging = mkdtempSync(join(tmpdir(), `communication-center-${library}-`));
  try {
    const inside = within.map((name) => [name, readPackage(name)]);
    const { private: _, scripts: __, devDependencies: ___, ...manifest } = readPackage(library);
    copyBuild(library, staging, {
      ...manifest,
      dependencies: Object.assign({}, manifest.dependencies, ...inside.map(([, { dependencies }]) => dependencies)),
      bundleDependencies: inside.map(([, { name }]) => name),
    });
    for (const [name, package_] of inside) copyBuild(name, join(staging, 'node_modules', package_.name), package_);
    mkdirSync(folder, { recursive: true });
    const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: staging });
    return join(folder, fileNameIn(JSON.parse(packed.toString())));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** npm 11 lists what it packed; later ones name it by package. */
function fileNameIn(packed) {
  return Object.values(packed)[0].filename;
}

function copyBuild(library, folder, manifest) {
  const from = join(root, 'libs', library);
  if (!existsSync(join(from, 'dist/index.js'))) throw new Error(`libs/${library} is not built: npm run build first`);
  mkdirSync(folder, { recursive: true });
  // Maps point at sources that are not packed; the rest of what tsc leaves is for its own next run.
  cpSync(join(from, 'dist'), join(folder, 'dist'), { recursive: true, filter: (file) => !/\.(map|tsbuildinfo)$/.test(file) });
  if (existsSync(join(from, 'README.md'))) cpSync(join(from, 'README.md'), join(folder, 'README.md'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...manifest, files: ['dist'] }, null, 2)}\n`);
}
