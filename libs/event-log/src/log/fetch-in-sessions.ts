// Not a part of kafkajs' face: its version is pinned, and the spec beside this file fails where it is another.
import Broker from 'kafkajs/src/broker/index.js';
import { FetchSession, type SessionRequest } from './fetch-session.js';
import { Fetching } from './fetching.js';

type Fetch = Broker['fetch'];
type FetchOptions = Parameters<Fetch>[0];

/** What is known of the fetches of a consumer from one broker. */
interface Known {
  readonly session: FetchSession;
  isAsking: boolean;
  /** How many in a row have found nothing. */
  inVain: number;
}

const fetch: Fetch = Broker.prototype.fetch;
/** Each consumer has its own of these for each broker, and makes one fetch at a time through it. */
const knownOf = new WeakMap<Broker, Known>();
/** kafkajs keeps two connections to a broker, of which the second is for fetches alone. */
const ofFetches = 1;

/**
 * kafkajs 2.2.4 names all partitions of a consumer in each fetch, and is told of all of them in each answer, also where one has
 * something new: at 48 partitions that is most of what a consumer costs. Brokers
 * remember what is wanted if they are asked to: see {@link FetchSession}. How long a fetch takes that finds nothing says {@link Fetching}.
 */
export function fetchInSessions(): void {
  Broker.prototype.fetch = async function fetchInSession(options): ReturnType<Fetch> {
    const known = knownOf.get(this) ?? { session: new FetchSession(), isAsking: false, inVain: 0 };
    knownOf.set(this, known);
    if (known.isAsking) return fetch.call(this, options);
    known.isAsking = true;
    const fetching = Fetching.current;
    try {
      const asked = fetching?.ask(options, known.inVain) ?? options;
      const ask = () => askInSession(this, asked, known);
      const answer = await (fetching ? fetching.during(this.connectionPool.pool?.[ofFetches], ask) : ask());
      known.inVain = answer.responses.length > 0 ? 0 : known.inVain + 1;
      return answer;
    } catch (error) {
      known.session.failed();
      if (fetching?.isOver) return { responses: [] };
      throw error;
    } finally {
      known.isAsking = false;
    }
  };
}

async function askInSession(broker: Broker, options: FetchOptions, { session }: Known): ReturnType<Fetch> {
  const answer = await fetch.call(saying(broker, session.next(options.topics)), { ...options, topics: [] });
  return session.answered(answer) ? answer : fetch.call(broker, options);
}

/** @returns the broker, but that what is wanted of it is said in a session. */
function saying(broker: Broker, request: SessionRequest): Broker {
  const lookupRequest: Broker['lookupRequest'] = (apiKey, definition) => {
    const make = broker.lookupRequest(apiKey, definition);
    return (options) => make({ ...options, ...request });
  };
  return Object.create(broker, { lookupRequest: { value: lookupRequest } });
}
