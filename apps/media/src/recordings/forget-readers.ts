import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { type Told, whoseAlias } from './domain/whose-alias.js';

/**
 * Devices of somebody who is deleted are put out within a second, and clocks of two databases may differ: what is noted of an alias so soon after it was
 * given anew, in seconds, is of whoever had it before.
 */
const partingSeconds = 5;

/** Forgets deleted users as readers: whoever gets their alias later has no part in what was recorded under it. The recordings are the others' still. */
@Controller()
export class ForgetReaders {
  @ProjectEvents('forgotten-readers', { topics: ['directory.events'], pace: 'steady', tables: [] })
  async apply({ events, tombstones, tx, isRebuild }: ProjectionBatch<'directory.events'>): Promise<void> {
    // What is deleted, and made anew, is compacted away: it is no projection, and nothing in the log could bring it back.
    if (!isRebuild) await noteReaders(tx, whoseAlias(events, tombstones));
  }
}

/**
 * Notes who is gone, and who has the alias of somebody who is: repeats, and what is older than what is known, change nothing. Of an app of which nothing
 * was recorded there is nothing to be forgotten: whoever is deleted is in no recording that begins later.
 */
async function noteReaders(tx: Sql, { gone, made }: ReturnType<typeof whoseAlias>): Promise<void> {
  if (gone.length > 0) {
    await tx.query(
      `INSERT INTO forgotten_readers AS known (app_id, user_alias, sequence, until)
       SELECT app_id, user_alias, sequence, 'infinity' FROM json_to_recordset($1) AS one(app_id text, user_alias text, sequence bigint)
       WHERE EXISTS (SELECT FROM recordings WHERE recordings.app_id = one.app_id)
       ORDER BY app_id, user_alias
       ON CONFLICT (app_id, user_alias) DO UPDATE
       SET sequence = greatest(known.sequence, excluded.sequence), until = excluded.until, deleted_at = now()
       WHERE excluded.sequence > known.sequence OR excluded.sequence = 0`,
      [JSON.stringify(gone.map(columnsOf))],
    );
  }
  if (made.length > 0) {
    await tx.query(
      `UPDATE forgotten_readers AS known SET sequence = one.sequence, until = one.at + make_interval(secs => $2)
       FROM json_to_recordset($1) AS one(app_id text, user_alias text, sequence bigint, at timestamptz)
       WHERE known.app_id = one.app_id AND known.user_alias = one.user_alias AND known.until = 'infinity' AND known.sequence <= one.sequence`,
      [JSON.stringify(made.map((one) => ({ ...columnsOf(one), at: one.at }))), partingSeconds],
    );
  }
}

const columnsOf = ({ appId, userAlias, sequence }: Told) => ({ app_id: appId, user_alias: userAlias, sequence });
