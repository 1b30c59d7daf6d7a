/** What a job is for: see the contract of jobs. */
export type JobKind = 'replay' | 'recover' | 'never_attempted';

/** How a message that a job looks at stands at its endpoint. */
export interface Standing {
  attempts: number;
  /** It waits for its next attempt, or for another of its subject that does. */
  isWaiting: boolean;
  /** The endpoint has yet to come to it in the log, which sends it then. */
  isToCome: boolean;
  /** Whether the endpoint is to be told of it, as it is now. */
  isWanted: boolean;
}

/** @returns whether a job hands a message to its endpoint again: nothing that is sent anyway. */
export function isHandedOver(kind: JobKind, { attempts, isWaiting, isToCome, isWanted }: Standing): boolean {
  if (isWaiting || isToCome) return false;
  switch (kind) {
    case 'recover':
      return true;
    case 'replay':
      return isWanted;
    case 'never_attempted':
      return isWanted && attempts === 0;
  }
}
