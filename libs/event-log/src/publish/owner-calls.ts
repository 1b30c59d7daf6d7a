import type { Sql } from '../database.js';
import { type Lane, laneName } from './lanes.js';

/** What commits within so many milliseconds is told together. */
const togetherMs = 2;
/** A payload of PostgreSQL's NOTIFY has less than 8,000 bytes. */
const mostBytes = 7000;

/** Wakes the owners of lanes in other replicas: one NOTIFY for what commits in the same moment. */
export class OwnerCalls {
  readonly #lanes = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly sql: Sql,
    private readonly channel: string,
    private readonly onError: (error: unknown, doing: string) => void,
  ) {}

  /** Says soon that rows of this lane have committed. */
  call(lane: Lane): void {
    if (this.#stopped) return;
    this.#lanes.add(laneName(lane));
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const names = [...this.#lanes].join(' ');
      this.#lanes.clear();
      // Without names, all lanes are looked at.
      this.sql.query('SELECT pg_notify($1, $2)', [this.channel, names.length < mostBytes ? names : '']).catch((error: unknown) => {
        this.onError(error, 'waking the owner of a partition');
      });
    }, togetherMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
