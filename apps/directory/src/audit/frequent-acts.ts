import type { AppId, AuditAct } from '@communication-center/contracts';
import { Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { putOnRecord } from './audit.js';

/** So long acts of one kind by one actor are one entry, in milliseconds. */
const windowMs = 60_000;
/** Actors and kinds that are told apart at a time: of more, nothing is put on record until some are over. */
const mostWindows = 2000;

interface Window {
  appId: AppId;
  actor: string;
  act: AuditAct;
  more: number;
}

/**
 * Puts acts on record that anybody may repeat as often as they like: the first of a minute as it is, and at its end how many more
 * there were. So the record is written a few times a minute whoever attacks, and still says by whom and how much.
 */
@Injectable()
export class FrequentActs implements BeforeApplicationShutdown {
  readonly #windows = new Map<string, Window & { timer: NodeJS.Timeout }>();
  readonly #writing = new Set<Promise<void>>();

  constructor(
    @Inject(Postgres) private readonly database: Pick<Postgres, 'transaction'>,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  /** Nobody waits for it: an act of this kind is done whether it is on record or not. */
  note(appId: AppId, actor: string, act: AuditAct, target: string): void {
    const name = `${appId} ${act} ${actor}`;
    const open = this.#windows.get(name);
    if (open) {
      open.more += 1;
      return;
    }
    if (this.#windows.size >= mostWindows) return;
    const timer = setTimeout(() => this.#close(name), windowMs).unref();
    this.#windows.set(name, { appId, actor, act, more: 0, timer });
    this.#write({ appId, actor, act }, target);
  }

  async beforeApplicationShutdown(): Promise<void> {
    for (const name of [...this.#windows.keys()]) this.#close(name);
    await Promise.all(this.#writing);
  }

  #close(name: string): void {
    const open = this.#windows.get(name);
    if (!open) return;
    clearTimeout(open.timer);
    this.#windows.delete(name);
    if (open.more > 0) this.#write(open, `${open.more} more within a minute`);
  }

  #write({ appId, actor, act }: Omit<Window, 'more'>, target: string): void {
    const written = this.database
      .transaction((tx) => putOnRecord(tx, appId, { actor, act, target }))
      .catch((error: unknown) => this.report(error, `putting ${act} on record`));
    this.#writing.add(written);
    void written.finally(() => this.#writing.delete(written));
  }
}
