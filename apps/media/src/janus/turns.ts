/** A wait is counted in so many turns of this process. */
const turnsOfWait = 10;

/**
 * Calls back after so many milliseconds in which this process had its turns: one that stood still, or was kept from its work, has not read
 * what came meanwhile, and time that passed by then says nothing of who is to answer.
 * @returns ends the wait.
 */
export function afterTurns(ms: number, onLate: () => void): () => void {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
    if (turns < turnsOfWait) return;
    clearInterval(timer);
    onLate();
  }, ms / turnsOfWait);
  return () => clearInterval(timer);
}
