import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const modules = join(root, 'node_modules');
/** Of the registry: copied from here, so that a test asks no network. */
const fromRegistry = ['zod', 'ws', '@types/ws', '@types/node', 'undici-types'];

/** A project outside the workspace, empty but for the SDK as it is packed. */
export class OutsideProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'communication-center-outside-'));

  /** @param tarball the packed SDK to install. */
  async install(tarball: string): Promise<void> {
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
    const packages = [...fromRegistry.map((name) => join(modules, name)), tarball];
    const flags = ['--offline', '--install-links', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...flags, ...packages], { cwd: this.folder });
  }

  /** Checks and compiles files beside this one, as strictly as can be. @throws Error with what the compiler says. */
  async compile(files: readonly string[]): Promise<void> {
    mkdirSync(join(this.folder, 'src'));
    for (const file of files) cpSync(join(import.meta.dirname, file), join(this.folder, 'src', file));
    const options = { strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', target: 'es2022', types: ['node'] };
    const compilerOptions = { ...options, rootDir: 'src', outDir: 'built' };
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    await run(join(modules, '.bin/tsc'), ['-p', '.'], { cwd: this.folder }).catch(({ stdout }: { stdout: string }) => {
      throw new Error(stdout);
    });
  }

  /** Runs a file of the project to its end. @returns what it printed, read as JSON. */
  async runWith<T>(node: string, file: string, argument: object): Promise<T> {
    const { stdout } = await run(node, [file, JSON.stringify(argument)], { cwd: this.folder, timeout: 60_000 });
    return JSON.parse(stdout) as T;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Packs the SDK as it is built now. @returns the path of the tarball. */
export async function packClient(folder: string): Promise<string> {
  const { stdout } = await run('npm', ['run', '--silent', 'pack:client', '--', folder], { cwd: root });
  return stdout.trim();
}

/** @returns a Node without a WebSocket of its own: NODE_20, or one that is installed, or, at last, one from the registry. */
export async function node20(): Promise<string> {
  const installed = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  for (const path of [process.env.NODE_20, ...installed]) {
    if (path && existsSync(path) && (await run(path, ['--version'])).stdout.startsWith('v20.')) return path;
  }
  const folder = join(tmpdir(), 'communication-center-node-20');
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(folder, 'node_modules', name, 'bin/node');
  if (!existsSync(path)) await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `${name}@20`]);
  return path;
}
