import { Gathering, type Outcome, ProblemError } from '@communication-center/service';

export interface AskTogetherOptions<Asked, Answer> {
  /** Asks for one that came alone. */
  one: (asked: Asked) => Promise<Answer>;
  /** Asks for several in one request. @returns how it went for each, in their order. */
  some: (asked: readonly Asked[]) => Promise<Outcome<Answer>[]>;
  /** So many go into one request at most. */
  mostAtOnce: number;
  /** In a crowd requests are so many milliseconds apart, and larger; 0 when left out. Who comes after a pause waits for nothing. */
  paceMs?: number;
  /** Whose it is: a crowd of one app keeps no other waiting. */
  whose: (asked: Asked) => string;
}

/** As many as one gateway serves sockets. */
const mostWaiting = 20_000;
/** So many requests are under way at once: while one is answered, the next can be on its way. */
const requestsAtOnce = 2;
/** A replica that hangs holds up for so long what could be asked of another. */
const slowMs = 250;

/** The pace at which devices that connect in a crowd are asked for. */
export const connectingPaceMs = 20;

/** Makes a question to a service which, while requests are under way, is asked together with others in the next. */
export function askTogether<Asked, Answer>({ one, some, ...bounds }: AskTogetherOptions<Asked, Answer>): (asked: Asked) => Promise<Answer> {
  const gathering = new Gathering<Asked, Answer>({
    ...bounds,
    mostWaiting,
    groups: requestsAtOnce,
    slowMs,
    work: async (group) => {
      const [first] = group;
      return first !== undefined && group.length === 1 ? [{ done: await one(first) }] : some(group);
    },
    // A service of the release before answers for one alone.
    mayFallApart: (error) => error instanceof ProblemError && error.code === 'not_found',
  });
  return (asked) => gathering.add(asked);
}
