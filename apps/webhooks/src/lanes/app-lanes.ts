import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { type CallFacts, needsCallFacts } from '../domain/event-filter.js';
import type { PlacedMessage } from '../domain/message.js';
import type { Endpoint } from '../endpoints/endpoint-store.js';
import { type Placed, readFrom } from '../messages/message-rows.js';
import type { LaneTools } from './delivery.js';
import { Lane } from './lane.js';
import { readBlocked, readLanes, readSettled } from './lane-rows.js';

/** Messages that one read brings at most. */
const page = 500;
/** Groups of messages that are kept while an app's lanes are being read: what is more is read afterwards. */
const mostEarly = 20;
/** An endpoint that was found to be no more is not taken up again for so long, in milliseconds: others may not know yet. */
const endedForMs = 2000;

export interface AppLanesTools extends LaneTools {
  sql: Sql;
  endpointsOf: (appId: AppId) => Promise<readonly Endpoint[]>;
  /** What filters ask of the calls of messages. @throws while nobody knows. */
  callsOf: (messages: readonly PlacedMessage[]) => Promise<ReadonlyMap<string, CallFacts>>;
  /** Resolves when what this process had under way for an app before has come to its end. */
  whenFree: (appId: AppId) => Promise<void>;
  /** A lane wants what waits of it. */
  onWaiting: (lane: Lane) => void;
}

/** The lanes of one app. Those that are at the end of its log share what comes; those that are behind share what they read. */
export class AppLanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #ended = new Map<string, number>();
  /** Up to where the log is known to go. */
  #last = 0;
  #early: Placed[] = [];
  #loading: Promise<void> | undefined;
  #reading: Promise<void> | undefined;
  #isKnown = false;
  #stopping = false;
  /** When anything last came, in milliseconds since 1970. */
  usedAt: number;

  constructor(
    readonly appId: AppId,
    private readonly tools: AppLanesTools,
  ) {
    this.usedAt = tools.now();
  }

  get lanes(): readonly Lane[] {
    return [...this.#lanes.values()];
  }

  get isIdle(): boolean {
    if (this.#loading || this.#reading || this.#early.length > 0) return false;
    return this.lanes.every((lane) => lane.isIdle && lane.unsaved() === undefined && lane.cursor >= this.#last);
  }

  /** Messages have got their places, and who is at the place before them takes them. */
  placed(group: Placed): void {
    this.usedAt = this.tools.now();
    const last = group.messages.at(-1)?.position ?? group.before;
    if (this.#loading || !this.#isKnown) {
      if (this.#early.length < mostEarly) this.#early.push(group);
      this.#last = Math.max(this.#last, last);
      return;
    }
    this.#offer(group);
  }

  /** Takes up endpoints that are new, and drops those that are no more. @returns when all are there. */
  refresh(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
      const early = this.#early.splice(0);
      if (this.#isKnown) for (const group of early) this.#offer(group);
      this.readOn();
    });
    return this.#loading;
  }

  /** Whether an endpoint is not among the lanes, or one of the lanes is of none. */
  differsFrom(endpoints: readonly Endpoint[]): boolean {
    const live = endpoints.filter(({ endpointId }) => !this.#hasJustEnded(endpointId));
    if (this.lanes.some((lane) => lane.isStopped && !lane.isBusy)) return true;
    return !this.#isKnown || live.length !== this.#lanes.size || live.some((one) => this.#lanes.get(one.endpointId)?.endpoint !== one);
  }

  /** Reads on for those that are behind: one read for all that are at the same place, at a time. */
  readOn(): void {
    if (this.#reading || this.#loading || this.#stopping) return;
    const [first] = this.lanes.filter((lane) => lane.wantsMore && lane.cursor < this.#last).sort((one, other) => one.cursor - other.cursor);
    if (!first) return;
    this.#reading = this.#read(first.cursor)
      .then(
        () => true,
        (error: unknown) => {
          this.tools.onError(error, `reading the log of ${this.appId}`);
          return false;
        },
      )
      // After a failure it is looked at again with the next sweep.
      .then((isRead) => {
        this.#reading = undefined;
        if (isRead) this.readOn();
      });
  }

  /** There may be something to read, or that waits, of which nobody told. @param last up to where the log goes. */
  async lookAgain(last: number): Promise<void> {
    this.#last = Math.max(this.#last, last);
    if (!this.#isKnown) await this.refresh();
    for (const lane of this.lanes) lane.lookAgain();
    this.readOn();
  }

  /** Something waits now, of one or another. */
  haveAgain(): void {
    this.usedAt = this.tools.now();
    for (const lane of this.lanes) lane.haveAgain();
  }

  /** Begins what may be begun by now. */
  pump(): void {
    for (const lane of this.lanes) lane.pump();
    this.readOn();
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#stopping = true;
    for (const lane of this.lanes) lane.stop();
  }

  breakOff(): void {
    for (const lane of this.lanes) lane.breakOff();
  }

  get hasStopped(): boolean {
    return this.lanes.some((lane) => lane.isStopped);
  }

  get isBusy(): boolean {
    return this.lanes.some((lane) => lane.isBusy);
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.close()));
  }

  #offer({ before, messages }: Placed): void {
    const upTo = messages.at(-1)?.position ?? before;
    this.#last = Math.max(this.#last, upTo);
    for (const lane of this.lanes) lane.offer(before, messages, upTo);
    this.readOn();
  }

  async #read(after: number): Promise<void> {
    const { sql } = this.tools;
    // Whatever has its place by now is in the read, or there is more to read.
    const last = this.#last;
    const { messages, upTo, isAll } = await readFrom(sql, this.appId, after, page);
    if (this.#stopping) return;
    const calls = this.lanes.some(({ endpoint }) => needsCallFacts(endpoint))
      ? await this.tools.callsOf(messages)
      : new Map<string, CallFacts>();
    for (const lane of this.lanes) lane.offer(after, messages, isAll ? Math.max(upTo, last) : upTo, calls);
  }

  async #load(): Promise<void> {
    const { sql, endpointsOf, whenFree } = this.tools;
    if (!this.#isKnown) await whenFree(this.appId);
    const endpoints = (await endpointsOf(this.appId)).filter(({ endpointId }) => !this.#hasJustEnded(endpointId));
    await this.#drop(new Set(endpoints.map(({ endpointId }) => endpointId)));
    const missing = new Map(endpoints.filter((one) => !this.#take(one)).map((one) => [one.endpointId, one]));
    if (missing.size > 0) await this.#add(sql, missing);
    this.#isKnown = true;
  }

  async #add(sql: Sql, missing: ReadonlyMap<string, Endpoint>): Promise<void> {
    const rows = (await readLanes(sql, this.appId)).filter(({ endpointId }) => missing.has(endpointId));
    const ids = rows.map(({ endpointId }) => endpointId);
    const from = this.#early[0]?.before ?? Number.POSITIVE_INFINITY;
    // Nothing beyond its place was tried of one that is where the new begins.
    const behind = rows.filter(({ position, last }) => position < Math.min(from, last));
    const settled =
      behind.length > 0
        ? await readSettled(
            sql,
            behind.map(({ endpointId }) => endpointId),
          )
        : new Map<string, number[]>();
    const strict = ids.filter((id) => missing.get(id)?.ordering === 'strict');
    const blocked = await readBlocked(sql, strict);
    if (this.#stopping) return;
    for (const row of rows) {
      const { endpointId, last } = row;
      const start = { row, settled: settled.get(endpointId) ?? [], blocked: blocked.get(endpointId) ?? [] };
      const lane: Lane = new Lane(missing.get(endpointId) as Endpoint, start, this.tools, () => this.#changed(lane));
      this.#lanes.set(endpointId, lane);
      this.#last = Math.max(this.#last, last);
      lane.pump();
    }
  }

  /** @returns whether there is a lane of it, which goes on with what the endpoint is now. */
  #take(endpoint: Endpoint): boolean {
    const lane = this.#lanes.get(endpoint.endpointId);
    if (!lane) return false;
    if (lane.endpoint.ordering !== endpoint.ordering || lane.isOvertakenBy(endpoint)) lane.stop();
    if (!lane.isStopped) lane.endpoint = endpoint;
    // One that was stopped is taken up anew, once what it had under way is on record.
    return !lane.isStopped || lane.isBusy;
  }

  /** Ends the lanes of endpoints that are none of these. What is under way is finished. */
  async #drop(live: ReadonlySet<string>): Promise<void> {
    for (const lane of this.lanes.filter(({ endpointId }) => !live.has(endpointId))) {
      lane.stop();
      // It is needed for how far it is until that is on record.
      if (lane.isBusy) continue;
      this.#lanes.delete(lane.endpointId);
      await lane.close();
    }
  }

  #changed(lane: Lane): void {
    if (lane.hasEnded) this.#ended.set(lane.endpointId, this.tools.now());
    if (lane.wantsWaiting) this.tools.onWaiting(lane);
    this.readOn();
  }

  #hasJustEnded(endpointId: string): boolean {
    const at = this.#ended.get(endpointId);
    if (at === undefined) return false;
    if (this.tools.now() - at < endedForMs) return true;
    this.#ended.delete(endpointId);
    return false;
  }
}
