import { spawn } from 'node:child_process';

/** What a program says last, in characters: enough to tell why it failed. */
const mostSaid = 2000;
/** By its signal: it was ended, rather than failed. */
class ProgramEnded extends Error {}
/** It failed, or took too long, with what it was given. */
export class ProgramFailed extends Error {}

export interface Running {
  cwd: string;
  /** After so long, in milliseconds, it is killed. */
  timeoutMs: number;
  /** Ends it. */
  signal: AbortSignal;
}

/**
 * Runs a program in the background of everything else: it gets what processors and disks have to spare, so that recordings never take from calls,
 * and it does not outlive this process, however that ends.
 * @throws ProgramEnded when it was ended by `signal`; ProgramFailed with what it said last where it fails or takes too long.
 */
export async function runInBackground(program: string, args: readonly string[], { cwd, timeoutMs, signal }: Running): Promise<void> {
  if (signal.aborted) throw new ProgramEnded(`${program} was not begun`);
  const behind = ['--pdeathsig', 'KILL', 'nice', '-n', '19', 'ionice', '-c', '3', program, ...args];
  const child = spawn('setpriv', behind, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-mostSaid)));
  const end = () => child.kill('SIGKILL');
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (signal.aborted) throw new ProgramEnded(`${program} was ended`);
    if (code !== 0) throw new ProgramFailed(`${program} failed (${code ?? 'killed'}): ${said.trim()}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
