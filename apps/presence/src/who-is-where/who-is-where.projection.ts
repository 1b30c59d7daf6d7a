import { EventLogServer, ProjectEvents, type ProjectionBatch, Rest } from '@communication-center/event-log';
import { Controller, Inject } from '@nestjs/common';
import { PublishChanges } from '../publish-changes/publish-changes.js';
import { foldApps } from '../visibility/app-rules.js';
import { type Changed, endKeys } from './end-keys.js';
import { type Folded, foldCalls, foldKnownCalls, foldSessions, foldUsers } from './fold-events.js';
import { FoldedLately } from './folded-lately.js';
import { noteSeen } from './note-seen.js';
import { markWhoDiffers, prune } from './rebuilding.js';

/**
 * Above fifty fetches a second they are made 20 ms apart: each costs a transaction here, a request to the brokers, and another for what
 * is told of it, and where so much happens that is told sooner of several calls at once.
 */
const paceMs = 20;

type Batch = ProjectionBatch<'sessions.events' | 'calls.events' | 'directory.events'>;

/**
 * Answers "who is where?": the open sessions of every user, the calls that are not over, and the users' wishes. Whoever may
 * be somewhere else now is looked at, and told of, in the same transaction; see publish-changes/.
 *
 * When a device was last seen is kept in a table that no rebuild empties: the log forgets closed sessions.
 */
@Controller()
export class WhoIsWhereProjection {
  readonly #lately = new FoldedLately();

  constructor(
    private readonly publisher: PublishChanges,
    @Inject(EventLogServer) server: Pick<EventLogServer, 'letRest'>,
  ) {
    server.letRest('who-is-where', Rest.paced(paceMs));
  }

  @ProjectEvents('who-is-where', {
    topics: ['sessions.events', 'calls.events', 'directory.events'],
    tables: ['device_sessions', 'current_calls', 'known_users', 'app_rules'],
    sequences: 'SELECT call_id AS key, sequence FROM current_calls WHERE call_id = ANY($1)',
    prune,
    beforeSwap: markWhoDiffers,
  })
  async apply(batch: Batch): Promise<void> {
    if (await this.#appliedAtOnce(batch)) return;
    const { events, tombstones, tx, ahead, last, isRebuild, afterCommit } = batch;
    const changed = [...(await this.#fold(batch)), ...(await endKeys(tx, tombstones, events))];
    // What is folded again was seen, and looked at, when it happened.
    if (isRebuild || changed.length === 0) return;
    noteSeen(ahead, changed);
    afterCommit(await this.publisher.publishWithin({ tx, last }, changed));
  }

  /** Applies events of calls in one statement. @returns whether that could be done: else nothing was done. */
  async #appliedAtOnce({ topic, events, alone, afterCommit }: Batch): Promise<boolean> {
    if (topic !== 'calls.events' || !alone) return false;
    const folded = foldKnownCalls(events, this.#lately);
    if (!folded || folded.rows.length === 0) return false;
    const then = await this.publisher.publishAtOnce(alone, folded.rows, folded.changed);
    if (!then) return false;
    this.#note(folded);
    afterCommit(then);
    return true;
  }

  async #fold({ topic, events, tx, ahead, isRebuild, afterCommit }: Batch): Promise<Changed[]> {
    if (topic === 'sessions.events') return foldSessions(tx, events);
    if (topic === 'directory.events') {
      await foldApps(tx, events);
      return foldUsers(tx, events);
    }
    // A rebuild folds far more calls than go on now.
    const folded = await foldCalls({ tx, ahead }, events, isRebuild ? new FoldedLately() : this.#lately);
    if (!isRebuild) afterCommit(() => this.#note(folded));
    return folded.changed;
  }

  #note({ rows }: Folded): void {
    this.#lately.note(rows.map(({ call }) => call));
  }
}
