import { type AskAlone, isInfrastructureFailure, OutboxRelay, type Sql } from '@communication-center/event-log';
import { DueRows, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Counter } from 'prom-client';
import type { PresenceSettings } from '../settings.js';
import { FailedLately } from './failed-lately.js';
import { KnownLately, type Remembered } from './known-lately.js';
import { type Moved, nameOf, type Person } from './look-at.js';
import { dueAgain, firstRound, isAnybodyMarked, markToLookAt, setAside, takeMarked, takeMarkOf } from './marks.js';
import { type Said, type Saying, sayChanges } from './say-changes.js';
import { type CallRow, tellOfCalls } from './tell-of-calls.js';

/** So many people are published in the projection's own transaction; more are a crowd, which waits in queues. */
const fewPeople = 50;
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
 * Publishes the presence of people who are somewhere else than was last said: of a few in the very transaction that learnt it, of
 * a crowd, and of those who could not be published, from the marks it leaves. A rebuild that comes to the same result says nothing.
 */
@Injectable()
export class PublishChanges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #marked: DueRows;
  readonly #again: DueRows;
  readonly #failedLately = new FailedLately();
  readonly #knownLately = new KnownLately();
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

  /**
   * Publishes people in the transaction that places them somewhere else. A crowd is only marked, and so is whoever could not be
   * published lately: neither holds up the events behind.
   * @returns what is to be done once that has committed.
   * @throws where somebody cannot be published. The same people are only marked when their events come again.
   */
  async publishWithin(saying: Saying, moved: readonly Moved[]): Promise<() => void> {
    const people = eachOnce(moved);
    const mustWait = (one: Person) => people.length > fewPeople || this.#failedLately.has(nameOf(one));
    const waiting = people.filter(mustWait);
    await markToLookAt(saying.tx, waiting);
    const said = await this.#publishNow(
      saying,
      people.filter((one) => !mustWait(one)),
    );
    return () => {
      this.#committed(said);
      if (waiting.length > 0) this.#marked.wake();
    };
  }

  /**
   * Saves calls that have gone on, and publishes the people in them, in one statement that is a transaction by itself: where all of
   * them are remembered, and nobody else has looked at them since.
   * @returns undefined where that is not so: then nothing was done.
   */
  async publishAtOnce(alone: AskAlone, calls: readonly CallRow[], moved: readonly Moved[]): Promise<(() => void) | undefined> {
    const people = eachOnce(moved);
    if (people.length > fewPeople || people.some((one) => this.#failedLately.has(nameOf(one)))) return undefined;
    const parties = people.flatMap((person) => {
      const before = this.#knownLately.get(nameOf(person));
      return before ? [{ person, before }] : [];
    });
    if (parties.length < people.length) return undefined;
    const forget = () => people.forEach((person) => void this.#knownLately.forget(nameOf(person)));
    const told = await tellOfCalls(alone, calls, parties, this.settings.KEEP_CHANGES_PER_BUCKET).catch((error: unknown) => {
      forget();
      throw error;
    });
    if (!told) forget();
    return told && (() => this.#committed({ written: told.written, found: told.after }));
  }

  #committed({ written, found }: Said): void {
    this.relay.committed(written);
    for (const [name, remembered] of found) this.#knownLately.note(name, remembered);
  }

  async #publishNow(saying: Saying, people: readonly Moved[]): Promise<Said> {
    if (people.length === 0) return nothing;
    try {
      return await sayChanges(saying, people, this.settings.KEEP_CHANGES_PER_BUCKET);
    } catch (error) {
      // Where something before it in the transaction has failed, it is not theirs.
      if (!isOfSomethingBefore(error)) this.#failedLately.note(people.map(nameOf));
      throw error;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    await Promise.all([this.#marked.stop(), this.#again.stop()]);
  }

  /** Publishes all who are marked, in batches, several side by side while there are many. */
  async publishMarked(): Promise<null> {
    let batches = 1;
    // Nobody is, as a rule: one question, and no transaction.
    while (!this.#stopping && (await isAnybodyMarked(this.database))) {
      const queues = batches > 1 ? fewQueues : manyQueues;
      const ended = await Promise.allSettled(Array.from({ length: batches }, () => this.#publishBatch(queues)));
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
      const published = ended.reduce((total, one) => total + (one.status === 'fulfilled' ? one.value : 0), 0);
      if (published === 0) return null;
      batches = published >= batchSize / 2 ? batchesAtOnce : 1;
    }
    return null;
  }

  /** Tries those again who were set aside, one by one. */
  async tryAgain(): Promise<null> {
    // Nobody waits for this look: as a rule it finds nobody.
    await this.#publishApart(await dueAgain(this.database.background, batchSize));
    return null;
  }

  /** @returns how many people were looked at. A batch that fails falls apart, so that one person holds up no other. */
  async #publishBatch(queues: number): Promise<number> {
    let people: Moved[] = [];
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
  async #take(tx: Sql, queues: number): Promise<Moved[]> {
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
      await this.#publish((tx) => takeMarkOf(tx, person));
      return undefined;
    } catch (error) {
      await setAside(this.database, person, error);
      timesSetAside.inc();
      this.report(error, `publishing the presence of ${nameOf(person)}; set aside, to be tried again`);
      return error;
    }
  }

  async #publish(take: (tx: Sql) => Promise<Moved[]>): Promise<void> {
    const said = await this.database.transaction(async (tx) => {
      const people = await take(tx);
      if (people.length === 0) return nothing;
      return sayChanges({ tx, last: tx.last }, people, this.settings.KEEP_CHANGES_PER_BUCKET);
    });
    this.#committed(said);
  }
}

/** Whether PostgreSQL has only said that the transaction had failed already. */
const isOfSomethingBefore = (error: unknown) => error instanceof Error && 'code' in error && error.code === '25P02';

const nothing: Said = { written: [], found: new Map<string, Remembered>() };

/** @returns each person once, as the newest event moved them. */
function eachOnce(moved: readonly Moved[]): Moved[] {
  return [...new Map(moved.map((one) => [nameOf(one), one])).values()];
}
