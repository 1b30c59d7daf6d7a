import { randomUUID } from 'node:crypto';
import { enveloped } from '@communication-center/contracts';
import type { RecordingEvent } from '@communication-center/contracts/recording-events';
import type { RecordingFile } from '@communication-center/contracts/recordings';
import { type Sql, type WrittenRow, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent } from '@communication-center/service';
import { feedsOf, type RecordingRow } from './recording-rows.js';

/**
 * Puts what became of a recording into the outbox, in the transaction that makes it so.
 * @returns what to tell the relay of after the commit.
 */
export async function tellOf(tx: Sql, type: RecordingEvent['type'], row: RecordingRow, files: RecordingFile[] = []): Promise<WrittenRow[]> {
  const { recording_id: recordingId, call_id: callId, app_id: appId, told: sequence, started_at, stopped_at, state, fault, seconds } = row;
  const feeds = (await feedsOf(tx, [recordingId])).get(recordingId) ?? [];
  const audience = [...new Set(feeds.map(({ userAlias }) => userAlias))];
  const times = { startedAt: started_at.toISOString(), stoppedAt: stopped_at?.toISOString() ?? null };
  const data = { recordingId, callId, audience, state, fault, ...times, seconds, files };
  const origin = { id: randomUUID(), source: '/media', at: new Date(), subject: recordingId, appId, sequence };
  const event = enveloped({ type, data }, { ...origin, traceparent: currentTraceparent() }) as RecordingEvent;
  return writeOutbox(tx, [{ topic: 'recordings.events' as const, key: recordingId, event }]);
}
