const started = Date.now();

/** Prints a line of progress with the seconds since the launcher began. */
export function say(line) {
  console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s] ${line}`);
}

/** An error that a person can mend: printed without a stack. */
export class Refusal extends Error {}
