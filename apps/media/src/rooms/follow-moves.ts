import type { CallId } from '@communication-center/contracts';
import { Postgres } from '@communication-center/service';
import { Injectable } from '@nestjs/common';

/** How often it is looked for rooms that moved, in milliseconds, and how far back each look goes: of a transaction the commit may come later than its time. */
const lookEveryMs = 1000;
const lookBack = '10 seconds';

/** Where a call is carried by now. */
interface Moved {
  call_id: CallId;
  generation: number;
}

/** Tells which calls another replica moved to another media node of late: their devices here are to follow. */
@Injectable()
export class FollowMoves {
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;

  constructor(private readonly database: Postgres) {}

  /**
   * @param isNobodyIn while so, nobody has to follow, and nothing is asked.
   * @param onMoved may be told of the same move several times.
   */
  start(isNobodyIn: () => boolean, onMoved: (callId: CallId, generation: number) => void, onError: (error: unknown) => void): void {
    this.#timer = setInterval(() => {
      if (this.#isBusy || isNobodyIn()) return;
      this.#isBusy = true;
      void this.#look(onMoved)
        .catch(onError)
        .finally(() => {
          this.#isBusy = false;
        });
    }, lookEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(onMoved: (callId: CallId, generation: number) => void): Promise<void> {
    const { rows } = await this.database.query<Moved>(
      'SELECT call_id, generation FROM rooms WHERE moved_at > clock_timestamp() - $1::interval',
      [lookBack],
    );
    for (const { call_id, generation } of rows) onMoved(call_id, generation);
  }
}
