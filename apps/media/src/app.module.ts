import { callLimits } from '@communication-center/contracts';
import { eraseApps, purgeRows, rowsOfApp } from '@communication-center/service';
import { fairShare } from '@communication-center/service/fair-share';
import { Module } from '@nestjs/common';
import { BroadcastStreamsController } from './broadcasts/broadcast-streams.controller.js';
import { BroadcastsController } from './broadcasts/broadcasts.controller.js';
import { CarryOutBroadcasts } from './broadcasts/carry-out-broadcasts.js';
import { CountViewers } from './broadcasts/count-viewers.js';
import { broadcastsOfDeletedApps, DeleteBroadcasts } from './broadcasts/delete-broadcasts.js';
import { FollowBroadcasts } from './broadcasts/follow-broadcasts.js';
import { StreamFiles } from './broadcasts/stream-files.js';
import { StreamLinks } from './broadcasts/stream-links.js';
import { MediaCredentials } from './credentials/media-credentials.js';
import { Admission } from './follow-calls/admission.js';
import { callReading } from './follow-calls/call-reading.js';
import { FollowCalls } from './follow-calls/follow-calls.js';
import { KnownCalls } from './follow-calls/known-calls.js';
import { JanusNodes } from './janus/janus-nodes.js';
import { MediaDoor } from './media-sockets/media-door.js';
import { Echoes } from './media-tests/echoes.js';
import { MediaTestsController } from './media-tests/media-tests.controller.js';
import { KeepSamples } from './quality/keep-samples.js';
import { QualityController } from './quality/quality.controller.js';
import { rowsOfDeletedApps } from './quality/quality-rows.js';
import { TellQuality } from './quality/tell-quality.js';
import { CarryOutRecordings } from './recordings/carry-out-recordings.js';
import { DeleteRecordings, recordingsOfDeletedApps } from './recordings/delete-recordings.js';
import { FileLinks } from './recordings/file-links.js';
import { FollowRecordings } from './recordings/follow-recordings.js';
import { ForgetReaders } from './recordings/forget-readers.js';
import { NamesOfPeople } from './recordings/names-of-people.js';
import { ProcessRecordings } from './recordings/process-recordings.js';
import { RecordingFilesController } from './recordings/recording-files.controller.js';
import { RecordingsController } from './recordings/recordings.controller.js';
import { RecordingStorages } from './recordings/storage/recording-storages.js';
import { EndRooms } from './rooms/end-rooms.js';
import { FollowMoves } from './rooms/follow-moves.js';
import { Rooms } from './rooms/rooms.js';
import { longestKeptDays, type MediaSettings } from './settings.js';

const daySeconds = 86_400;
/** Of nobody who is gone for longer is there a recording, whatever is set. */
const readersForgottenSeconds = (longestKeptDays + 2) * daySeconds;
/** Some 5 MB; of calls beyond that the calls service is asked. */
const knownCalls = { provide: KnownCalls, useFactory: () => new KnownCalls(20_000) };

/** Credentials are long expired by then. Rooms whose replica died before their call's end were never closed: no call lasts that long. */
const oldRows = ({ KEEP_QUALITY_DAYS }: MediaSettings) => [
  { table: 'departures', by: 'noted_at', keepSeconds: daySeconds },
  { table: 'rooms', by: 'closed_at', keepSeconds: daySeconds, only: 'closed_at IS NOT NULL' },
  { table: 'rooms', by: 'created_at', keepSeconds: callLimits.maxDurationSeconds.max + daySeconds, only: 'closed_at IS NULL' },
  { table: 'quality_samples', by: 'at', keepSeconds: KEEP_QUALITY_DAYS * daySeconds },
  { table: 'quality_calls', by: 'began_at', keepSeconds: KEEP_QUALITY_DAYS * daySeconds },
  { table: 'forgotten_readers', by: 'deleted_at', keepSeconds: readersForgottenSeconds },
];

/** There is little of apps here, and for some days only: where there is nothing, nobody is asked. */
const rarely = {
  everyMs: 600_000,
  anything:
    ['quality_calls', 'recordings', 'broadcasts', 'forgotten_readers'].map((table) => `SELECT 1 FROM ${table}`).join(' UNION ALL ') +
    ' LIMIT 1',
};

@Module({
  controllers: [
    QualityController,
    MediaTestsController,
    RecordingsController,
    RecordingFilesController,
    FollowRecordings,
    ForgetReaders,
    BroadcastsController,
    BroadcastStreamsController,
  ],
  providers: [
    fairShare,
    JanusNodes,
    Rooms,
    FollowMoves,
    EndRooms,
    KeepSamples,
    TellQuality,
    FollowBroadcasts,
    CarryOutBroadcasts,
    DeleteBroadcasts,
    CountViewers,
    StreamLinks,
    StreamFiles,
    FollowRecordings,
    CarryOutRecordings,
    NamesOfPeople,
    ProcessRecordings,
    DeleteRecordings,
    RecordingStorages,
    FileLinks,
    MediaCredentials,
    MediaDoor,
    Echoes,
    knownCalls,
    callReading,
    Admission,
    FollowCalls,
    purgeRows(oldRows),
    eraseApps([...rowsOfDeletedApps, ...recordingsOfDeletedApps, ...broadcastsOfDeletedApps, rowsOfApp('forgotten_readers')], rarely),
  ],
})
export class AppModule {}
