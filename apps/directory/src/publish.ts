import { type AppId, type DirectoryEvent, enveloped } from '@communication-center/contracts';
import { type Sql, type WrittenRow, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent } from '@communication-center/service';
import { v7 as uuidv7 } from 'uuid';

type Told = Pick<DirectoryEvent, 'type' | 'data'>;

/**
 * Puts a change of the directory into the outbox, in the transaction that makes it.
 * @param key `app:…` or `user:…`; the event's subject.
 * @param sequence of that subject's row after the change.
 * @returns what to tell the relay of after the commit.
 */
export async function publish(tx: Sql, appId: AppId, key: string, sequence: number, told: Told): Promise<WrittenRow[]> {
  const { rows } = await tx.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const event = enveloped(told, {
    id: uuidv7(),
    source: '/directory',
    at: rows[0]?.now ?? new Date(),
    subject: key,
    appId,
    sequence,
    traceparent: currentTraceparent(),
  }) as DirectoryEvent;
  const erased = told.type === 'user.deleted' ? [{ topic: 'directory.events' as const, key, event: null }] : [];
  return writeOutbox(tx, [{ topic: 'directory.events', key, event }, ...erased]);
}
