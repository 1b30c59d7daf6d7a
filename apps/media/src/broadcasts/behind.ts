/**
 * @returns a program and its arguments, to be run behind calls: with less of the processor where both want it, and no longer than who starts it.
 * Live pictures cannot wait for what is left over, as files of recordings do; so it is less nice than those.
 */
export function encloses(program: string, args: readonly string[]): [string, ...string[]] {
  return ['setpriv', '--pdeathsig', 'KILL', 'nice', '-n', '10', program, ...args];
}
