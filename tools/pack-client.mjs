import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/*
 * npm run pack:client -- [folder]    packs what `npm run build` has made, into the folder, dist/ unless told, and prints the path
 */

const root = resolve(import.meta.dirname, '..');
const readPackage = (library) => JSON.parse(readFileSync(join(root, 'libs', library, 'package.json'), 'utf8'));

/**
 * Packs the SDK as it is installed outside the workspace: with the contracts inside, so that only zod comes from a registry.
 * @param {string} folder where the tarball is put.
 * @returns {string} the path of the tarball.
 */
function packClient(folder) {
  const staging = mkdtempSync(join(tmpdir(), 'communication-center-client-'));
  try {
    const contracts = readPackage('contracts');
    const { private: _, scripts: __, ...client } = readPackage('client');
    copyBuild('client', staging, {
      ...client,
      dependencies: { ...client.dependencies, ...contracts.dependencies },
      bundleDependencies: [contracts.name],
    });
    copyBuild('contracts', join(staging, 'node_modules', contracts.name), contracts);
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

const folder = resolve(process.argv[2] ?? 'dist');
mkdirSync(folder, { recursive: true });
console.log(packClient(folder));
