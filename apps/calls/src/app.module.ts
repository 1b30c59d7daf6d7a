import { eraseApps, purgeRows, rowsOfApp } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { CallHistoryProjection } from './call-history/call-history.projection.js';
import { CloseApps } from './close-apps/close-apps.js';
import { DeadlineSweeper } from './deadlines/deadline-sweeper.js';
import { DecisionRoom } from './decide-in-groups/decision-room.js';
import { DirectoryReading } from './follow-directory/user-settings.js';
import { UserSettingsProjection } from './follow-directory/user-settings.projection.js';
import { DeviceSessionsProjection } from './follow-sessions/device-sessions.projection.js';
import { CallWeeks } from './forget-calls/call-weeks.js';
import { callsOfApp } from './forget-calls/erased-calls.js';
import { finishedCalls } from './forget-calls/finished-calls.js';
import { MediaCredentialsOffice } from './media-credentials/media-credentials.js';
import { ReadCallsController } from './read-calls/read-calls.controller.js';
import { RingFigures } from './ring-figures/ring-figures.js';
import type { CallsSettings } from './settings.js';
import { BroadcastCallsController } from './take-commands/broadcast-calls.controller.js';
import { CallCommands } from './take-commands/call-commands.js';
import { CallsController } from './take-commands/calls.controller.js';
import { CommandsAtOnce } from './take-commands/commands-at-once.js';
import { DeviceCommandsController } from './take-commands/device-commands.controller.js';
import { ModerateCallsController } from './take-commands/moderate-calls.controller.js';
import { PublishLag } from './take-commands/publish-lag.js';
import { RecordCallsController } from './take-commands/record-calls.controller.js';
import { SteerCallsController } from './take-commands/steer-calls.controller.js';
import { EndCallOnUnsendableEvent } from './unsendable-events/end-call-on-unsendable-event.js';

/** Command replies are kept a day for repeats, ended calls as long as connecting devices are told of them, closed sessions an hour to know repeats of their events. */
const oldRows = ({ KEEP_FINISHED_CALLS_DAYS }: CallsSettings) => [
  { table: 'commands', by: 'created_at', keepSeconds: 86_400 },
  { table: 'device_sessions', by: 'closed_at', keepSeconds: 3600, only: 'closed_at IS NOT NULL' },
  { table: 'recent_calls', by: 'ended_at', keepSeconds: 600 },
  ...(KEEP_FINISHED_CALLS_DAYS > 0 ? finishedCalls : []),
];

const ofApps = [
  callsOfApp,
  ...['call_parts', 'commands', 'recent_calls', 'user_settings'].map((table) => rowsOfApp(table)),
  rowsOfApp('lines', 'active_call_id IS NULL'),
];

@Module({
  controllers: [
    CallsController,
    ModerateCallsController,
    SteerCallsController,
    RecordCallsController,
    BroadcastCallsController,
    DeviceCommandsController,
    ReadCallsController,
    CallHistoryProjection,
    UserSettingsProjection,
    DeviceSessionsProjection,
  ],
  providers: [
    // What several devices did at one moment is handed to their methods.
    CallsController,
    ModerateCallsController,
    SteerCallsController,
    RecordCallsController,
    BroadcastCallsController,
    CommandsAtOnce,
    DecisionRoom,
    CallCommands,
    PublishLag,
    DirectoryReading,
    MediaCredentialsOffice,
    DeadlineSweeper,
    EndCallOnUnsendableEvent,
    RingFigures,
    CallWeeks,
    CloseApps,
    purgeRows(oldRows),
    eraseApps(ofApps),
  ],
})
export class AppModule {}
