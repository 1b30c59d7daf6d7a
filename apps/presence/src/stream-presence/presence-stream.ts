import { type AppId, type Presence, presenceSchema, type UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { ReportError } from '@communication-center/service';

/** What a stream needs of an HTTP response. */
export interface StreamResponse {
  write(text: string): boolean;
  end(): void;
  once(event: 'close' | 'drain', listener: () => void): unknown;
}

const pageSize = 500;

/**
 * One reader of an app's presence, as server-sent events (WHATWG HTML §9.2). Each event's id is its place in the app's
 * order; a reader that comes back with the last one misses nothing. One that is new, or was away too long, is first told
 * where everybody is.
 */
export class PresenceStream {
  #position: number | undefined;
  #working = false;
  #woken = false;
  #ended = false;

  constructor(
    private readonly database: Sql,
    private readonly about: { appId: AppId; only: readonly UserAlias[] | undefined; from: number | undefined },
    private readonly response: StreamResponse,
    private readonly report: ReportError,
  ) {}

  /** Looks for what is new. */
  wake(): void {
    this.#woken = true;
    if (!this.#working) void this.#work();
  }

  beat(): void {
    if (!this.#ended) this.response.write(': still here\n\n');
    this.wake();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.response.end();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.#woken && !this.#ended) {
        this.#woken = false;
        this.#position ??= await this.#begin();
        await this.#tellChanges();
      }
    } catch (error) {
      // The reader comes back, with the last id it got.
      this.report(error, 'streaming presence');
      this.end();
    } finally {
      this.#working = false;
    }
  }

  /** @returns the position to go on from. */
  async #begin(): Promise<number> {
    const { appId, from } = this.about;
    const { rows } = await this.database.query<{ last: string | null; first: string | null }>(
      `SELECT (SELECT position FROM positions WHERE app_id = $1) AS last, (SELECT min(position) FROM changes WHERE app_id = $1) AS first`,
      [appId],
    );
    const last = Number(rows[0]?.last ?? 0);
    const kept = Number(rows[0]?.first ?? last + 1);
    if (from !== undefined && from <= last && from >= kept - 1) return from;
    await this.#write('event: reset\ndata: {}\n\n');
    await this.#tellEverybody();
    await this.#write(`event: ready\nid: ${last}\ndata: {}\n\n`);
    return last;
  }

  async #tellEverybody(): Promise<void> {
    const { appId, only } = this.about;
    for (let after: string | null = null; !this.#ended; ) {
      const { rows }: { rows: { user_alias: string; published: unknown }[] } = await this.database.query(
        `SELECT user_alias, published FROM people
         WHERE app_id = $1 AND published IS NOT NULL AND ($2::text[] IS NULL OR user_alias = ANY($2)) AND ($3::text IS NULL OR user_alias COLLATE "C" > $3)
         ORDER BY user_alias COLLATE "C" LIMIT $4`,
        [appId, only ?? null, after, pageSize],
      );
      for (const { published } of rows) await this.#tell(presenceSchema.parse(published));
      if (rows.length < pageSize) return;
      after = rows.at(-1)?.user_alias ?? null;
    }
  }

  async #tellChanges(): Promise<void> {
    const { appId, only } = this.about;
    while (!this.#ended) {
      const { rows } = await this.database.query<{ position: string; user_alias: UserAlias; presence: unknown }>(
        'SELECT position, user_alias, presence FROM changes WHERE app_id = $1 AND position > $2 ORDER BY position LIMIT $3',
        [appId, this.#position, pageSize],
      );
      for (const { position, user_alias, presence } of rows) {
        if (!only || only.includes(user_alias)) await this.#tell(presenceSchema.parse(presence), Number(position));
        this.#position = Number(position);
      }
      if (rows.length < pageSize) return;
    }
  }

  async #tell(presence: Presence, position?: number): Promise<void> {
    await this.#write(`event: presence\n${position === undefined ? '' : `id: ${position}\n`}data: ${JSON.stringify(presence)}\n\n`);
  }

  /** A reader that reads slowly holds up itself alone: nothing piles up for it in memory. */
  async #write(text: string): Promise<void> {
    if (this.#ended || this.response.write(text)) return;
    await new Promise<void>((resolve) => {
      this.response.once('drain', resolve);
      this.response.once('close', resolve);
    });
  }
}
