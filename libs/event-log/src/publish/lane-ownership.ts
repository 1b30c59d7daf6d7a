import type { Database, OwnConnection } from '../database.js';

/** Groups of partitions that have one owner among the replicas: a partition's is the remainder by this. */
export const shardCount = 16;

/** @returns the shard that a partition belongs to. */
export function shardOf(partition: number): number {
  return Math.max(0, partition) % shardCount;
}

export interface OwnershipOptions {
  database: Database;
  /** Names the locks, and the notifications. */
  channel: string;
  /** Whether something of this shard is being sent: it is not given up meanwhile. */
  isBusy: (shard: number) => boolean;
  /** Called when there may be something new to publish, in these lanes, by their names, or anywhere where none is told. */
  onNews: (lanes: readonly string[]) => void;
  onError: (error: unknown, doing: string) => void;
  /** Called each second while the connection stands. */
  onTick?: () => void;
}

const tickMs = 1000;
/** Who publishes all by itself looks for others so many ticks apart: whoever comes says so. */
const aloneTicks = 5;
/** How long a silent connection counts as proof that the locks are held: less than the server waits before it ends it. */
const proofMs = 3000;
const answerMs = 4000;
/** The server ends a connection that has said nothing for so long, and with it the locks of a process that is frozen or gone. */
const idleSeconds = 5;
/** The lock that every replica shares: whoever holds it takes part. */
const membership = 1000;

/**
 * Which shards this replica publishes. A shard's owner holds an advisory lock on a connection of its own that is used each
 * second and that the server ends after five seconds of silence: whatever dies, others take over within six, as a rule. Each
 * replica takes no more than its share, and gives up what is above it.
 */
export class LaneOwnership {
  readonly #options: OwnershipOptions;
  #connection: OwnConnection | undefined;
  #held = new Set<number>();
  /** Held still, but no longer published from. */
  readonly #leaving = new Set<number>();
  /** For so many ticks more nobody else is looked for. */
  #aloneFor = 0;
  #proof: Moment | undefined;
  /** When it last was, or when it began. */
  #proven = thisMoment();
  #stopping = false;
  #running: Promise<void> | undefined;
  #endPause: (() => void) | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** The shards this replica publishes now. */
  get owned(): ReadonlySet<number> {
    return this.#leaving.size === 0 ? this.#held : this.#held.difference(this.#leaving);
  }

  owns(partition: number): boolean {
    const shard = shardOf(partition);
    return this.#held.has(shard) && !this.#leaving.has(shard);
  }

  /** Whether the locks were held a moment ago for certain: only then may anything be sent. */
  get isProven(): boolean {
    return this.#proof !== undefined && ageOf(this.#proof) < proofMs;
  }

  /** For how long nothing could be sent for lack of that proof, in milliseconds; 0 before it is started. */
  get unprovenMs(): number {
    return this.isProven || !this.#running ? 0 : ageOf(this.#proven);
  }

  start(): void {
    this.#proven = thisMoment();
    this.#running = this.#keep();
  }

  /** Gives everything up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endPause?.();
    await this.#running;
    const connection = this.#lose();
    if (!connection) return;
    await within(answerMs, connection.query("SELECT pg_advisory_unlock_all(), pg_notify($1, 'free')", [this.#options.channel])).catch(
      () => undefined,
    );
    void connection.end().catch(() => undefined);
  }

  async #keep(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.#connection ??= await this.#connect();
        await within(answerMs, this.#tick(this.#connection));
        this.#options.onTick?.();
      } catch (error) {
        if (!this.#stopping) this.#options.onError(error, 'holding shards of the outbox');
        void this.#lose()
          ?.end()
          .catch(() => undefined);
      }
      if (!this.#stopping) await this.#pause(tickMs);
    }
  }

  async #connect(): Promise<OwnConnection> {
    const { database, channel } = this.#options;
    const connection = await database.connect();
    const lost = () => {
      if (this.#connection === connection) this.#lose();
    };
    connection.on('error', lost);
    connection.on('end', lost);
    connection.on('notification', (message) => this.#heard((message as { payload?: string } | undefined)?.payload));
    try {
      await within(
        answerMs,
        connection.query(
          `SELECT set_config('idle_session_timeout', '${idleSeconds}s', false), pg_advisory_lock_shared(hashtext($1), ${membership})`,
          [channel],
        ),
      );
      await within(answerMs, connection.query(`LISTEN ${channel}`));
      // Whoever has all of it gives up a part.
      await within(answerMs, connection.query("SELECT pg_notify($1, 'free')", [channel]));
    } catch (error) {
      void connection.end().catch(() => undefined);
      throw error;
    }
    return connection;
  }

  #heard(payload: string | undefined): void {
    if (payload === 'free') {
      this.#aloneFor = 0;
      this.#endPause?.();
    } else this.#options.onNews(payload ? payload.split(' ') : []);
  }

  async #tick(connection: OwnConnection): Promise<void> {
    const asked = thisMoment();
    // All locks of a server are many to look through, and who has all shards and nobody beside it has nothing to find there.
    const isAlone = this.#aloneFor > 0 && this.owned.size === shardCount;
    if (isAlone) this.#aloneFor -= 1;
    const share = isAlone ? await stands(connection) : await this.#share(connection);
    if (this.#connection !== connection) return;
    this.#proof = asked;
    this.#proven = asked;
    if (isAlone) return;
    await this.#giveUp(connection, share);
    await this.#take(connection, share);
  }

  /** How many shards this replica should have: those that take part are counted by the lock that they share. */
  async #share(connection: OwnConnection): Promise<number> {
    const { rows } = await connection.query<{ replicas: number; before: number }>(
      `SELECT count(*)::int AS replicas, count(*) FILTER (WHERE pid < pg_backend_pid())::int AS before
       FROM pg_locks
       WHERE locktype = 'advisory' AND granted AND objid = ${membership} AND classid = (hashtext($1)::bigint & 4294967295)::oid
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [this.#options.channel],
    );
    const { replicas = 1, before = 0 } = rows[0] ?? {};
    const everybody = Math.max(1, replicas);
    this.#aloneFor = everybody === 1 ? aloneTicks - 1 : 0;
    return Math.floor(shardCount / everybody) + (before < shardCount % everybody ? 1 : 0);
  }

  /** Stops publishing from what is above the share, and unlocks it once nothing of it is being sent. */
  async #giveUp(connection: OwnConnection, share: number): Promise<void> {
    const surplus = this.#held.size - share;
    for (const shard of [...this.#leaving].slice(Math.max(0, surplus))) this.#leaving.delete(shard);
    for (const shard of [...this.#held].reverse()) if (this.#leaving.size < surplus) this.#leaving.add(shard);
    const free = [...this.#leaving].filter((shard) => !this.#options.isBusy(shard));
    if (free.length === 0) return;
    await connection.query('SELECT pg_advisory_unlock(hashtext($1), shard) FROM unnest($2::int[]) AS shard', [this.#options.channel, free]);
    if (this.#connection !== connection) return;
    for (const shard of free) {
      this.#leaving.delete(shard);
      this.#held.delete(shard);
    }
    await connection.query("SELECT pg_notify($1, 'free')", [this.#options.channel]);
  }

  async #take(connection: OwnConnection, share: number): Promise<void> {
    const wanted = share - this.#held.size;
    if (wanted <= 0 || this.#leaving.size > 0) return;
    const missing = Array.from({ length: shardCount }, (_, shard) => shard).filter((shard) => !this.#held.has(shard));
    // One after the other, so that never more are locked than are wanted.
    const { rows } = await connection.query<{ shard: number }>(
      `WITH RECURSIVE tried AS (
         SELECT 0 AS place, NULL::int AS shard, 0 AS taken, false AS got
         UNION ALL
         SELECT place + 1, ($2::int[])[place + 1], taken + next.got::int, next.got
         FROM tried, LATERAL (SELECT pg_try_advisory_lock(hashtext($1), ($2::int[])[place + 1]) AS got) AS next
         WHERE place < cardinality($2::int[]) AND taken < $3
       )
       SELECT shard FROM tried WHERE got`,
      [this.#options.channel, missing, wanted],
    );
    if (this.#connection !== connection || rows.length === 0) return;
    this.#held = new Set([...this.#held, ...rows.map(({ shard }) => shard)]);
    this.#options.onNews([]);
  }

  #lose(): OwnConnection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#held = new Set();
    this.#leaving.clear();
    this.#proof = undefined;
    return connection;
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = undefined;
  }
}

/** Makes sure that a connection, and with it its locks, stands. @returns what is one's share by oneself. */
async function stands(connection: OwnConnection): Promise<number> {
  await connection.query('SELECT');
  return shardCount;
}

/** By both clocks: one stands still while a machine is suspended, the other may be set. */
interface Moment {
  steady: number;
  wall: number;
}

const thisMoment = (): Moment => ({ steady: performance.now(), wall: Date.now() });
const ageOf = ({ steady, wall }: Moment): number => Math.max(performance.now() - steady, Date.now() - wall);

/** @throws Error when `work` takes longer. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
