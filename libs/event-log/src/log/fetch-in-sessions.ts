// Not a part of kafkajs' face: its version is pinned, and the spec beside this file fails where it is another.
import Broker from 'kafkajs/src/broker/index.js';
import { FetchSession, type SessionRequest } from './fetch-session.js';

type Fetch = Broker['fetch'];

const fetch: Fetch = Broker.prototype.fetch;
/** Each consumer has its own of these for each broker, and makes one fetch at a time through it. */
const sessions = new WeakMap<Broker, { session: FetchSession; isAsking: boolean }>();

/**
 * kafkajs 2.2.4 names all partitions of a consumer in each fetch, and is told of all of them in each answer, also where one has
 * something new: at 48 partitions that is most of what a consumer costs. Brokers
 * remember what is wanted if they are asked to: see {@link FetchSession}.
 */
export function fetchInSessions(): void {
  Broker.prototype.fetch = async function fetchInSession(options): ReturnType<Fetch> {
    const known = sessions.get(this) ?? { session: new FetchSession(), isAsking: false };
    sessions.set(this, known);
    if (known.isAsking) return fetch.call(this, options);
    known.isAsking = true;
    try {
      const answer = await fetch.call(saying(this, known.session.next(options.topics)), { ...options, topics: [] });
      return known.session.answered(answer) ? answer : await fetch.call(this, options);
    } catch (error) {
      known.session.failed();
      throw error;
    } finally {
      known.isAsking = false;
    }
  };
}

/** @returns the broker, but that what is wanted of it is said in a session. */
function saying(broker: Broker, request: SessionRequest): Broker {
  const lookupRequest: Broker['lookupRequest'] = (apiKey, definition) => {
    const make = broker.lookupRequest(apiKey, definition);
    return (options) => make({ ...options, ...request });
  };
  return Object.create(broker, { lookupRequest: { value: lookupRequest } });
}
