import { type AnyEvent, type CallEvent, readEvent } from '@communication-center/contracts';
import { OutboxRelay, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Postgres, Report, type ReportError } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import { FollowBroadcasts, typesOfBroadcasts } from '../broadcasts/follow-broadcasts.js';
import { CarryOutRecordings } from './carry-out-recordings.js';
import { tellOf } from './recording-events.js';
import { type Heard, noteBegun, noteWanted } from './recording-rows.js';

const wantedBy = {
  'call.recording_started': 'recording',
  'call.recording_resumed': 'recording',
  'call.recording_paused': 'paused',
  'call.recording_stopped': 'stopped',
} as const;

type RecordingOfCall = CallEvent & { type: keyof typeof wantedBy };

const isOfRecording = (event: { type: string }): event is RecordingOfCall => event.type in wantedBy;

/**
 * Notes what the calls service decides about recordings. A replica with media sockets of a call hears it at once, on the log that it follows for
 * them; what nobody heard so is noted by the reaction, which reads everything, and finds most of it done.
 */
@Controller()
export class FollowRecordings {
  readonly #database;

  constructor(
    database: Postgres,
    private readonly recorder: CarryOutRecordings,
    private readonly relay: OutboxRelay,
    private readonly broadcasts: FollowBroadcasts,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#database = database.of('consumers');
  }

  @ReactToEvents('note-recordings', { topics: ['calls.events'], pace: 'steady', types: [...Object.keys(wantedBy), ...typesOfBroadcasts] })
  async note({ events }: ReactionBatch<'calls.events'>): Promise<void> {
    await this.#take(events.filter(isOfRecording));
    // One that reads everything is enough.
    await this.broadcasts.note(events);
  }

  /** Whether events of a type are about recordings, or broadcasts. */
  static heeds(type: string): boolean {
    return type in wantedBy || typesOfBroadcasts.some((one) => one === type);
  }

  /** Notes at once what an event says; where that fails, the reaction does. */
  hear(event: AnyEvent): void {
    this.broadcasts.hear(event);
    if (!isOfRecording(event)) return;
    const note = async () => this.#take([readEvent('calls.events', event) as RecordingOfCall]);
    note().catch((error: unknown) => this.report(error, 'noting a recording'));
  }

  async #take(events: readonly RecordingOfCall[]): Promise<void> {
    for (const event of events) await this.#noteOne(heardIn(event), event.type === 'call.recording_started');
    if (events.length > 0) this.recorder.wake();
  }

  async #noteOne(heard: Heard, begins: boolean): Promise<void> {
    if (!begins) return noteWanted(this.#database, heard);
    const written = await this.#database.transaction(async (tx) => {
      const begun = await noteBegun(tx, heard);
      return begun ? tellOf(tx, 'recording.starting', begun) : [];
    });
    this.relay.committed(written);
  }
}

function heardIn({ type, appid: appId, callid: callId, sequence, time: at, data }: RecordingOfCall): Heard {
  return { recordingId: data.recordingId, callId, appId, sequence, at, wanted: wantedBy[type] };
}
