import type { AppId } from '@communication-center/contracts';
import { LaneOwnership, type Sql } from '@communication-center/event-log';
import { DueRows, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Sender } from '../deliver/sender.js';
import { type Message } from '../domain/message.js';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KnownCalls } from '../known-calls/known-calls.js';
import { laneOf } from '../messages/lane-of.js';
import { type Placed, placeMessages, writeMessages } from '../messages/message-rows.js';
import type { WebhooksSettings } from '../settings.js';
import { AppLanes, type AppLanesTools } from './app-lanes.js';
import { tellLanes } from './lane-figures.js';
import { LaneNews } from './lane-news.js';
import { adoptDeliveries, appsWithWork, giveUpOfDeleted, readChanges, savePlaces } from './lane-rows.js';
import { Outcomes } from './outcomes.js';
import { Places } from './places.js';
import { appOfNews } from './told-of-waiting.js';
import { Turns } from './turns.js';
import { until } from './until.js';
import { WaitingReads } from './waiting-reads.js';

const sweepMs = 1000;
/** What nobody told of is looked for so often. */
const lookMs = 5000;
/** An app of which nothing comes and nothing waits is forgotten after so long. */
const forgetMs = 60_000;
/** How long a stopping service waits for answers: a receiver that is well needs less, one that hangs is not waited for. */
const lastAnswersMs = 1000;
/** For what is under way of lanes that are another's, before it is broken off. */
const handOverMs = 1000;
/** What is under way of an app from before is waited for so long, when it is taken up again. */
const lastBusyMs = 10_000;
/** How long a stop waits for the database to take what is known. */
const lastRecordsMs = 2000;

/**
 * Delivers apps' messages. Each app belongs to one of 16 lanes of apps, each of which has one owner among the replicas: only the
 * owner gives messages their places and sends them, so that order needs no locks and a healthy delivery no row. When it dies another
 * takes over within seconds, from the positions of the endpoints and what is on record since.
 */
@Injectable()
export class Lanes implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** Of what got its place, for whoever waits for it. */
  readonly news = new LaneNews({
    tell: (words) => this.#tell(words),
    owns: (appId) => this.owns(appId),
    now: Date.now,
  });
  readonly #apps = new Map<AppId, AppLanes>();
  readonly #leaving = new Map<AppLanes, number>();
  readonly #ownership: LaneOwnership;
  readonly #outcomes: Outcomes;
  readonly #sweep: DueRows;
  readonly #tools: AppLanesTools;
  readonly #sql: Sql;
  readonly #channel: string;
  #owned: readonly number[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #version: string | undefined;
  #lookedAt = 0;
  #changedBefore: readonly AppId[] = [];
  #isStopping = false;

  constructor(
    database: Postgres,
    private readonly endpoints: EndpointStore,
    sender: Sender,
    calls: KnownCalls,
    @Inject(Settings) settings: WebhooksSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#sql = database.of('consumers');
    this.#channel = `${database.schema}_lanes`;
    this.#outcomes = new Outcomes(database.of('commands'), report);
    this.#ownership = new LaneOwnership({
      database,
      channel: this.#channel,
      isBusy: (lane) => [...this.#apps.values(), ...this.#leaving.keys()].some((app) => laneOf(app.appId) === lane && app.isBusy),
      onNews: (told) => this.#heard(told),
      onError: report,
    });
    const waiting = new WaitingReads(this.#sql, report);
    const places = new Places(settings.REQUESTS_AT_ONCE);
    this.#tools = {
      sql: this.#sql,
      sender,
      turns: new Turns(),
      places,
      outcomes: this.#outcomes,
      schedule: settings.RETRY_SCHEDULE_SECONDS,
      concurrency: settings.LANE_CONCURRENCY,
      length: settings.LANE_LENGTH,
      disableAfterSeconds: settings.DISABLE_AFTER_SECONDS,
      endpointsOf: (appId) => this.endpoints.enabledOf([appId]),
      mayWork: (appId) => !this.#isStopping && this.#ownership.isProven && this.#ownership.owns(laneOf(appId)),
      callsOf: (messages) => calls.of(messages),
      whenFree: (appId) => until(() => ![...this.#leaving.keys()].some((app) => app.appId === appId && app.isBusy), lastBusyMs),
      onNotice: () => this.#placeSoon(),
      onWaiting: (lane) => waiting.readSoon(lane),
      onError: report,
      now: Date.now,
    };
    this.#sweep = new DueRows({ name: 'looking after the lanes of apps', work: () => this.#look(), onError: report, maxPauseMs: sweepMs });
    tellLanes(database.of('reads'), () => [...this.#apps.values()].flatMap(({ lanes }) => lanes), places);
  }

  onApplicationBootstrap(): void {
    this.#ownership.start();
    this.#sweep.start();
  }

  /** Whether this replica gives an app's messages their places. */
  owns(appId: AppId): boolean {
    return this.#ownership.owns(laneOf(appId));
  }

  /** Keeps messages, and begins to deliver those of this replica's own lanes. Resolves when they are kept. */
  async write(told: readonly Message[]): Promise<void> {
    const lanes = this.#isStopping ? [] : this.#ownedNow();
    const isAnothers = told.some(({ appId }) => !lanes.includes(laneOf(appId)));
    await this.#inTurn(async () => this.#handOver(await writeMessages(this.#sql, lanes, told)));
    if (isAnothers) void this.#tell(new Set(told.map(({ appId }) => laneOf(appId)).filter((lane) => !lanes.includes(lane))));
  }

  /** Hands over what is not done, however long a receiver hangs: another replica, or the next start, delivers it at once. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#isStopping = true;
    await this.#sweep.stop();
    const all = [...this.#apps.values(), ...this.#leaving.keys()];
    for (const app of all) app.stop();
    await until(() => all.every((app) => !app.isBusy), lastAnswersMs);
    for (const app of all) app.breakOff();
    await until(() => all.every((app) => !app.isBusy), lastRecordsMs);
    this.#outcomes.giveUp();
    await this.#save().catch((error: unknown) => this.report(error, 'noting how far endpoints are'));
    await this.#ownership.stop();
    await Promise.all(all.map((app) => app.close()));
  }

  #ownedNow(): readonly number[] {
    const { owned, isProven } = this.#ownership;
    return isProven ? [...owned] : [];
  }

  /** Messages get places one statement after the other, and are handed on in that order. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  #handOver(placed: readonly Placed[]): void {
    for (const group of placed) this.#appOf(group.appId).placed(group);
    const appIds = [...new Set(placed.map(({ appId }) => appId))];
    if (appIds.length === 0) return;
    this.news.placed(appIds);
    void this.#refresh(appIds);
  }

  /** Has apps know their endpoints as they are now. */
  async #refresh(appIds: readonly AppId[]): Promise<void> {
    try {
      const byApp = Map.groupBy(await this.endpoints.enabledOf(appIds), ({ appId }) => appId);
      for (const appId of appIds) {
        const app = this.#apps.get(appId);
        if (app?.differsFrom(byApp.get(appId) ?? [])) await app.refresh();
      }
    } catch (error) {
      this.report(error, 'reading the endpoints of apps');
    }
  }

  #appOf(appId: AppId): AppLanes {
    const app = this.#apps.get(appId) ?? new AppLanes(appId, this.#tools);
    this.#apps.set(appId, app);
    return app;
  }

  #heard(all: readonly string[]): void {
    const told = this.news.heard(all);
    if (all.length > 0 && told.length === 0) return;
    // Of nothing by name: lanes may have changed hands.
    if (told.length === 0) {
      this.#lookedAt = 0;
      this.#sweep.wake();
      return;
    }
    const apps = told.flatMap((one) => appOfNews(one) ?? []);
    for (const appId of apps) void this.#lookAgain(appId);
    if (told.some((lane) => this.#ownership.owns(Number(lane)))) this.#placeSoon();
  }

  /** Has an app's endpoints look for what waits now. */
  async #lookAgain(appId: AppId): Promise<void> {
    if (this.#isStopping || !this.#ownership.owns(laneOf(appId))) return;
    const app = this.#appOf(appId);
    await this.#refresh([appId]);
    app.haveAgain();
  }

  /** Tells replicas that something waits for them: lanes, or what {@link LaneNews} has to say. Where it fails, they look by themselves. */
  async #tell(words: Iterable<number | string>): Promise<void> {
    await this.#sql
      .query('SELECT pg_notify($1, $2)', [this.#channel, [...words].join(' ')])
      .catch((error: unknown) => this.report(error, 'telling the owners of lanes'));
  }

  #placeSoon(): void {
    this.#place().catch((error: unknown) => this.report(error, 'giving places to messages'));
  }

  /** Gives places to what waits in the inbox, until nothing does. */
  async #place(): Promise<void> {
    for (let more = true; more && !this.#isStopping; ) {
      more = await this.#inTurn(async () => {
        const lanes = this.#ownedNow();
        if (lanes.length === 0) return false;
        const placed = await placeMessages(this.#sql, lanes);
        this.#handOver(placed);
        return placed.length > 0;
      });
    }
  }

  /** Once a second: what has changed that nobody told of, what belongs to another now, and how far endpoints are. */
  async #look(): Promise<number | null> {
    const owned = [...this.#ownership.owned];
    this.#leaveWhatIsAnothers(owned);
    // For a moment nobody knows whether they are: nothing is begun, and nothing is given up either.
    if (owned.length === 0 || !this.#ownership.isProven) return null;
    const taken = owned.filter((lane) => !this.#owned.includes(lane));
    const now = Date.now();
    // An idle service is woken by messages: what nobody tells of is looked for now and then.
    if (this.#apps.size === 0 && taken.length === 0 && now - this.#lookedAt < lookMs) return null;
    this.#owned = owned;
    const { version, hasInbox, apps } = await readChanges(this.#sql, owned, this.#version);
    this.#version = version;
    if (hasInbox) this.#placeSoon();
    await this.#followEndpoints(apps);
    if (taken.length > 0 || now - this.#lookedAt >= lookMs) {
      this.#lookedAt = now;
      await this.#findWork(owned);
    }
    await this.#save();
    for (const app of this.#apps.values()) app.pump();
    await this.#forget(now);
    return null;
  }

  /** Has apps whose endpoints changed know it: once more a second later, since what is known of endpoints may be half a second old. */
  async #followEndpoints(changed: readonly AppId[]): Promise<void> {
    const ours = changed.filter((appId) => this.#ownership.owns(laneOf(appId)));
    const stopped = [...this.#apps].flatMap(([appId, app]) => (app.hasStopped ? [appId] : []));
    for (const appId of ours) this.#appOf(appId);
    await this.#refresh([...new Set([...ours, ...this.#changedBefore, ...stopped])]);
    this.#changedBefore = ours;
  }

  /** Finds what nobody told of: what the last owner left, or the release before, or somebody made due. */
  async #findWork(owned: readonly number[]): Promise<void> {
    await adoptDeliveries(this.#sql, owned);
    await giveUpOfDeleted(this.#sql);
    const found = await appsWithWork(this.#sql, owned);
    for (const { appId } of found) this.#appOf(appId);
    await this.#refresh([...new Set(found.map(({ appId }) => appId))]);
    for (const { appId, last } of found) await this.#appOf(appId).lookAgain(last);
  }

  async #save(): Promise<void> {
    const all = [...this.#apps.values(), ...this.#leaving.keys()].flatMap(({ lanes }) => lanes);
    const changed = all.flatMap((lane) => {
      const place = lane.unsaved();
      return place ? [{ lane, place }] : [];
    });
    if (changed.length === 0) return;
    await savePlaces(
      this.#sql,
      changed.map(({ place }) => place),
    );
    for (const { lane, place } of changed) lane.saved(place);
  }

  /** Begins nothing more of what belongs to another, and lets go of it when what is under way has ended, or was broken off. */
  #leaveWhatIsAnothers(owned: readonly number[]): void {
    const now = Date.now();
    for (const [appId, app] of this.#apps) {
      if (owned.includes(laneOf(appId))) continue;
      app.stop();
      this.#apps.delete(appId);
      this.#leaving.set(app, now);
    }
    for (const [app, since] of this.#leaving) {
      if (now - since >= handOverMs) app.breakOff();
      if (app.isBusy) continue;
      this.#leaving.delete(app);
      void app.close();
    }
    this.#owned = this.#owned.filter((lane) => owned.includes(lane));
  }

  async #forget(now: number): Promise<void> {
    for (const [appId, app] of this.#apps) {
      if (now - app.usedAt < forgetMs || !app.isIdle) continue;
      app.stop();
      this.#apps.delete(appId);
      await app.close();
    }
  }
}
