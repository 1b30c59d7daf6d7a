/*
 * Whatever is wanted from one request to the next, and whatever is lost on the way, an answer that is taken up is one to all that is
 * wanted, and the broker never goes on with what is not.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FetchSession, type SessionRequest, type WantedTopic } from './fetch-session.js';

type Offsets = Record<string, string>;

/** The sessions of a broker, as KIP-227 says. */
class BrokerModel {
  readonly sessions = new Map<number, { epoch: number; offsets: Offsets }>();
  #lastId = 0;

  /** @returns what it would look for, and what it says of the session. */
  hear({ sessionId, sessionEpoch, topics, forgottenTopics }: SessionRequest, { keepsSessions = true } = {}) {
    const said = Object.fromEntries(
      topics.flatMap(({ topic, partitions }) => partitions.map(({ partition, fetchOffset }) => [`${topic} ${partition}`, fetchOffset])),
    );
    if (sessionEpoch === 0) {
      this.sessions.delete(sessionId);
      if (!keepsSessions) return { errorCode: 0, sessionId: 0, lookedFor: said };
      this.#lastId += 1;
      this.sessions.set(this.#lastId, { epoch: 1, offsets: said });
      return { errorCode: 0, sessionId: this.#lastId, lookedFor: said };
    }
    const session = this.sessions.get(sessionId);
    if (!session) return { errorCode: 70, sessionId: 0, lookedFor: undefined };
    if (session.epoch !== sessionEpoch) return { errorCode: 71, sessionId, lookedFor: undefined };
    for (const { topic, partitions } of forgottenTopics) for (const one of partitions) delete session.offsets[`${topic} ${one}`];
    Object.assign(session.offsets, said);
    session.epoch += 1;
    return { errorCode: 0, sessionId, lookedFor: { ...session.offsets } };
  }
}

const wantedOf = (offsets: Offsets): WantedTopic[] =>
  [...Map.groupBy(Object.entries(offsets), ([name]) => name.split(' ')[0] as string)].map(([topic, all]) => ({
    topic,
    partitions: all.map(([name, fetchOffset]) => ({ partition: Number(name.split(' ')[1]), fetchOffset, maxBytes: 1000 })),
  }));

const offsets = fc.dictionary(fc.constantFrom('a 0', 'a 1', 'a 2', 'b 0', 'b 1'), fc.constantFrom('0', '1', '2'));
const step = fc.record({
  offsets,
  fate: fc.constantFrom('answered', 'answered', 'answered', 'never heard', 'answer lost', 'session forgotten', 'no session kept'),
});

test('what a broker looks for is what is wanted, or it is asked without a session', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const [session, broker] = [new FetchSession(), new BrokerModel()];
      for (const { offsets: wanted, fate } of steps) {
        if (fate === 'session forgotten') broker.sessions.clear();
        const request = session.next(wantedOf(wanted));
        const answer = fate === 'never heard' ? undefined : broker.hear(request, { keepsSessions: fate !== 'no session kept' });
        if (!answer || fate === 'answer lost') session.failed();
        else if (session.answered(answer)) expect(answer.lookedFor).toEqual(wanted);
        else expect(answer.errorCode).toBeGreaterThan(0);
      }
      expect(broker.sessions.size, 'sessions that it left behind').toBeLessThanOrEqual(1 + steps.length);
    }),
  );
});

test('what has not changed is not said again, and what is not wanted any more is', () => {
  const [session, broker] = [new FetchSession(), new BrokerModel()];
  const ask = (wanted: Offsets) => {
    const request = session.next(wantedOf(wanted));
    session.answered(broker.hear(request));
    return request;
  };
  const first = ask({ 'a 0': '0', 'a 1': '0', 'b 0': '5' });
  expect([first.sessionId, first.sessionEpoch, first.topics.length]).toEqual([0, 0, 2]);
  expect(ask({ 'a 0': '0', 'a 1': '7', 'b 0': '5' })).toEqual({
    sessionId: 1,
    sessionEpoch: 1,
    topics: [{ topic: 'a', partitions: [{ partition: 1, fetchOffset: '7', maxBytes: 1000 }] }],
    forgottenTopics: [],
  });
  expect(ask({ 'a 0': '0', 'a 1': '7', 'b 0': '5' })).toMatchObject({ sessionEpoch: 2, topics: [], forgottenTopics: [] });
  expect(ask({ 'a 0': '0' })).toMatchObject({
    sessionEpoch: 3,
    topics: [],
    forgottenTopics: [
      { topic: 'a', partitions: [1] },
      { topic: 'b', partitions: [0] },
    ],
  });
});

test('after a failure everything is said anew, in the place of the session that was', () => {
  const [session, broker] = [new FetchSession(), new BrokerModel()];
  const wanted = wantedOf({ 'a 0': '0', 'a 1': '0' });
  session.answered(broker.hear(session.next(wanted)));
  broker.hear(session.next(wanted));
  session.failed();
  const again = session.next(wanted);
  expect(again).toEqual({ sessionId: 1, sessionEpoch: 0, topics: wanted, forgottenTopics: [] });
  session.answered(broker.hear(again));
  expect([...broker.sessions.keys()]).toEqual([2]);
});

test('with a broker that keeps no session, or does not know of any, everything is said each time', () => {
  const session = new FetchSession();
  const wanted = wantedOf({ 'a 0': '0' });
  for (const answer of [{ errorCode: 0, sessionId: 0 }, {}]) {
    expect(session.next(wanted)).toMatchObject({ sessionId: 0, sessionEpoch: 0, topics: wanted });
    expect(session.answered(answer)).toBe(true);
  }
});
