import { isDeepStrictEqual } from 'node:util';
import { enveloped, type Presence, type UserAlias } from '@communication-center/contracts';
import { isInfrastructureFailure, type OutboxEntry, OutboxRelay, type Sql, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent, DueRows, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Counter } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import { presenceOf } from '../domain/presence-of.js';
import type { PresenceSettings } from '../settings.js';
import { dueAgain, firstRound, setAside, takeMarked, takeMarkOf } from './marks.js';
import { type Person, readKnown } from './read-known.js';
import { type Change, lockPeople, nameOf, savePeople, savePlaces } from './save-changes.js';

const batchSize = 100;
/** A safety net: the projection wakes the publisher. */
const pollMs = 1000;
const setAsidePollMs = 1000;
const failuresOfAll = 3;
/** Batches side by side while there is much to do. Each visits few queues then, so that they seldom wait for the same bucket. */
const [batchesAtOnce, fewQueues, manyQueues] = [3, 5, 50];

const timesSetAside = new Counter({
  name: 'presence_set_aside_total',
  help: 'Times that one user could not be published, and was set aside',
});

/**
 * Looks at everyone who was marked, and publishes the presence of those who are somewhere else than was last said. Only
 * here a version rises, under the lock of the user's row: a rebuild that comes to the same result says nothing.
 */
@Injectable()
export class PublishChanges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #marked: DueRows;
  readonly #again: DueRows;
  #round = firstRound;
  #taking: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    @Inject(Settings) private readonly settings: Pick<PresenceSettings, 'KEEP_CHANGES_PER_BUCKET'>,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const onError = report;
    this.#marked = new DueRows({ name: 'publishing presence', work: () => this.publishMarked(), onError, maxPauseMs: pollMs });
    this.#again = new DueRows({
      name: 'publishing who was set aside',
      work: () => this.tryAgain(),
      onError,
      maxPauseMs: setAsidePollMs,
    });
  }

  onApplicationBootstrap(): void {
    this.#marked.start();
    this.#again.start();
  }

  /** Publishes soon: there are new marks. */
  wake(): void {
    this.#marked.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    await Promise.all([this.#marked.stop(), this.#again.stop()]);
  }

  /** Publishes all who are marked, in batches, several side by side while there are many. */
  async publishMarked(): Promise<null> {
    let batches = 1;
    do {
      const queues = batches > 1 ? fewQueues : manyQueues;
      const ended = await Promise.allSettled(Array.from({ length: batches }, () => this.#publishBatch(queues)));
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
      const published = ended.reduce((total, one) => total + (one.status === 'fulfilled' ? one.value : 0), 0);
      if (published === 0) return null;
      batches = published >= batchSize / 2 ? batchesAtOnce : 1;
    } while (!this.#stopping);
    return null;
  }

  /** Tries those again who were set aside, one by one. */
  async tryAgain(): Promise<null> {
    await this.#publishApart(await dueAgain(this.database, batchSize));
    return null;
  }

  /** @returns how many people were looked at. A batch that fails falls apart, so that one person holds up no other. */
  async #publishBatch(queues: number): Promise<number> {
    let people: Person[] = [];
    try {
      await this.#publish(async (tx) => {
        people = await this.#take(tx, queues);
        return people;
      });
    } catch (error) {
      if (people.length === 0) throw error;
      await this.#publishApart(people);
    }
    return people.length;
  }

  /** Publishes people one by one. Where several in a row fail because of the infrastructure, it is not their doing. */
  async #publishApart(people: readonly Person[]): Promise<void> {
    let failedInARow = 0;
    for (const person of people) {
      if (this.#stopping) return;
      const error = await this.#publishOne(person);
      failedInARow = error !== undefined && isInfrastructureFailure(error) ? failedInARow + 1 : 0;
      if (failedInARow === failuresOfAll) throw error;
    }
  }

  /** Takes marks, one batch after the other, so that each goes on where the one before stopped. */
  async #take(tx: Sql, queues: number): Promise<Person[]> {
    const taken = this.#taking.then(async () => {
      const { people, next } = await takeMarked(tx, this.#round, queues, batchSize);
      const wasFirst = this.#round === firstRound;
      this.#round = next;
      if (people.length > 0 || wasFirst) return people;
      const again = await takeMarked(tx, firstRound, queues, batchSize);
      this.#round = again.next;
      return again.people;
    });
    this.#taking = taken.catch(() => undefined);
    return taken;
  }

  /** @returns why the person could not be published, and was set aside. @throws where not even that can be written down. */
  async #publishOne(person: Person): Promise<unknown> {
    try {
      await this.#publish(async (tx) => ((await takeMarkOf(tx, person)) ? [person] : []));
      return undefined;
    } catch (error) {
      await setAside(this.database, person, error);
      timesSetAside.inc();
      this.report(error, `publishing the presence of ${nameOf(person)}; set aside, to be tried again`);
      return error;
    }
  }

  async #publish(take: (tx: Sql) => Promise<Person[]>): Promise<void> {
    const shards = await this.database.transaction(async (tx) => {
      const people = await take(tx);
      return people.length === 0 ? [] : writeOutbox(tx, await this.#lookAt(tx, people));
    });
    this.relay.committed(shards);
  }

  async #lookAt(tx: Sql, marked: readonly Person[]): Promise<OutboxEntry[]> {
    const before = await lockPeople(tx, marked);
    const changes: Change[] = [];
    const erased: Person[] = [];
    for (const { known, at, ...person } of await readKnown(tx, marked)) {
      const last = before.get(nameOf(person));
      if (!known && last?.published) {
        erased.push(person);
        changes.push({ ...person, at, presence: farewell(person.userAlias, last.version + 1) });
      } else if (!known) erased.push(person);
      else if (!last || !isSame(last.published, presenceOf(known))) {
        changes.push({ ...person, at, presence: { ...presenceOf(known), version: (last?.version ?? 0) + 1 } });
      }
    }
    await savePeople(tx, changes, erased);
    await savePlaces(tx, changes, this.settings.KEEP_CHANGES_PER_BUCKET);
    return [...changes.map(toEntry), ...erased.map((person) => ({ topic: 'presence.events' as const, key: nameOf(person), event: null }))];
  }
}

function isSame(published: Presence | null, now: Omit<Presence, 'version'>): boolean {
  if (!published) return false;
  const { version: _, ...said } = published;
  return isDeepStrictEqual(said, now);
}

/** The last word about somebody who was deleted. */
function farewell(userAlias: UserAlias, version: number): Presence {
  return { userAlias, status: 'offline', doNotDisturb: false, version, calls: [], devices: [], lastSeenAt: null };
}

function toEntry({ presence, at, ...person }: Change): OutboxEntry {
  const key = nameOf(person);
  const { appId } = person;
  const traceparent = currentTraceparent();
  const origin = { id: uuidv7(), source: '/presence', at, subject: key, appId, sequence: presence.version, traceparent };
  return { topic: 'presence.events', key, event: enveloped({ type: 'presence.changed', data: presence }, origin) };
}
