import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { deviceIdSchema, userAliasSchema } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { RecordingFault } from '@communication-center/contracts/recordings';
import { OutboxRelay } from '@communication-center/event-log';
import {
  Identity,
  Postgres,
  ProblemError,
  Replicas,
  Report,
  type ReportError,
  ServiceClient,
  Settings,
  WorksOnDueRows,
} from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { VideoRoomHandle } from 'janode/plugins/videoroom';
import { z } from 'zod';
import { type JanusNode, roomErrorCode } from '../janus/janus-node.js';
import { JanusNodes } from '../janus/janus-nodes.js';
import { keyFrameSeconds } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import { type ActiveState, nextAct, type RoomStanding, stateAfter } from './domain/next-act.js';
import { ProcessRecordings } from './process-recordings.js';
import { type RawFiles, rawFilesIn } from './raw-files.js';
import { tellOf } from './recording-events.js';
import {
  claimDue,
  type Feed,
  keepFeeds,
  type LookedAt,
  lookAgain,
  nextDueIn,
  noteState,
  noteToldToCall,
  notToldToCall,
} from './recording-rows.js';

const name = 'recording calls';
const recordingsAtOnce = 20;
/** Who claims some has so long, in seconds, before another replica looks. */
const claimSeconds = 15;
/** How often an active recording is looked at: so long, in milliseconds, may go by until one goes on in a room that was made anew. */
const lookEveryMs = 1000;
/** Where none is active, it is looked for one so often, in case that nobody who heard of one lived. */
const quietMs = 15_000;
/** Where somebody sends, and so long after the beginning, in milliseconds, nothing is on disk, Janus cannot write there. */
const unwrittenMs = 20_000;
const noSuchRoom = 426;
/**
 * Of a picture that is sent in several sizes Janus writes nothing before a key frame of the largest, which it asks for once, when the largest may not be
 * sent yet: so each second for so long after a file was begun, in milliseconds, and as in any room for so long after that.
 */
const [keysForMs, keysNoMoreForMs] = [6000, 3000];

const participantsSchema = z.object({
  participants: z.array(z.object({ id: z.string(), display: z.string().optional(), publisher: z.boolean().optional() })),
});
const displaySchema = z.object({ userAlias: userAliasSchema, deviceId: deviceIdSchema });

/** The handles by which one look asks: one of each node. */
type Handles = Map<JanusNode, Promise<VideoRoomHandle>>;

/**
 * Has Janus record what is to be recorded, and no longer. Each active recording is looked at once a second by one replica, whichever has it in hand,
 * and Janus told again what is wanted: so it goes on in a room that was made anew, on whatever node, and nothing is kept in memory.
 */
@Injectable()
export class CarryOutRecordings extends WorksOnDueRows {
  readonly #database;
  readonly #calls: ServiceClient;

  constructor(
    database: Postgres,
    identity: Identity,
    private readonly nodes: JanusNodes,
    private readonly relay: OutboxRelay,
    private readonly processing: ProcessRecordings,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    super({ name, report, maxPauseMs: quietMs });
    this.#database = database.of('consumers');
    this.#calls = new ServiceClient(identity, 'calls', new Replicas(settings.CALLS_URL));
  }

  protected async work(): Promise<number | null> {
    const due = await claimDue(this.#database, recordingsAtOnce, claimSeconds);
    if (due.length > 0) await this.#lookAt(due);
    if (due.length === recordingsAtOnce) return 0;
    await this.#tellCalls();
    return nextDueIn(this.#database);
  }

  async #lookAt(due: readonly LookedAt[]): Promise<void> {
    const isFull = await this.#isDiskFull();
    const handles: Handles = new Map();
    try {
      const same: LookedAt[] = [];
      // One that hangs, or is at fault, keeps no other waiting for longer than Janus may take to answer.
      await Promise.all(
        due.map(async (row) => {
          const isSame = await this.#look(row, handles, isFull).catch((error: unknown) => {
            this.report(error, name);
            return true;
          });
          if (isSame) same.push(row);
        }),
      );
      const ids = same.map(({ recording_id }) => recording_id);
      if (ids.length > 0) await lookAgain(this.#database, ids, lookEveryMs);
    } finally {
      for (const handle of handles.values()) void handle.then((one) => one.detach()).catch(() => undefined);
    }
  }

  /** @returns whether it is in the same state as before. */
  async #look(row: LookedAt, handles: Handles, isFull: boolean): Promise<boolean> {
    const node = row.node === null ? undefined : this.nodes.named(row.node);
    const act = nextAct(row.wanted, standingOf(row, node), row.stopped_for_ms);
    if (act === 'wait') return true;
    const state = row.state as ActiveState;
    if (isFull && act === 'record') return !(await this.#fail(row, node, handles, 'disk_full'));
    if (act === 'finish') {
      if (node?.isWell && !row.is_closed) await this.#ask(row, node, handles, false);
      await this.#change(row, 'processing');
      return false;
    }
    if (!node) return true;
    try {
      const files = await rawFilesIn(this.#rawOf(row));
      const sending = await this.#ask(row, node, handles, act === 'record', keysWantedFor(files));
      const isWritten = sending && (files.isAny || (await rawFilesIn(this.#rawOf(row))).isAny);
      if (sending && !isWritten && act === 'record' && Date.now() - row.started_at.getTime() > unwrittenMs) {
        return !(await this.#fail(row, node, handles, 'media_refused'));
      }
      const after = stateAfter(act, state, isWritten);
      if (after === state) return true;
      await this.#change(row, after);
      return false;
    } catch (error) {
      // What is not Janus' own refusal may be otherwise a second later.
      if (roomErrorCode(error) === undefined && !isOfFolder(error)) throw error;
      this.report(error, name);
      return !(await this.#fail(row, node, handles, 'media_refused'));
    }
  }

  /** Has a room recorded, or not. @param keys how often key frames are asked for, where that is to be said. @returns whether anybody sends there. */
  async #ask(row: LookedAt, node: JanusNode, handles: Handles, record: boolean, keys: { new_fir_freq?: number } = {}): Promise<boolean> {
    const handle = await this.#handleOn(node, handles);
    const room = { room: row.call_id, secret: row.room_secret };
    try {
      if (record) {
        const folder = join(this.settings.JANUS_RECORDINGS_FOLDER ?? this.settings.RECORDINGS_FOLDER, 'raw', row.recording_id);
        await mkdir(this.#rawOf(row), { recursive: true });
        await node.ask(handle.message({ request: 'edit', ...room, new_rec_dir: folder, ...keys }));
      }
      const answer = await node.ask(handle.message({ request: 'listparticipants', ...room }));
      await node.ask(handle.message({ request: 'enable_recording', ...room, record }));
      const feeds = feedsIn(answer);
      await keepFeeds(this.#database, row.recording_id, feeds);
      return feeds.length > 0;
    } catch (error) {
      // Nobody has joined it since it was made, or Janus was started again: whoever joins next has it made.
      if (roomErrorCode(error) === noSuchRoom) return false;
      throw error;
    }
  }

  #handleOn(node: JanusNode, handles: Handles): Promise<VideoRoomHandle> {
    const known = handles.get(node);
    if (known) return known;
    const made = node.attach();
    handles.set(node, made);
    return made;
  }

  async #change(row: LookedAt, state: ActiveState | 'processing'): Promise<void> {
    const isTold = state === 'processing' || (state === 'recording' && row.state === 'starting');
    const written = await this.#database.transaction(async (tx) => {
      const changed = await noteState(tx, row, { state }, isTold);
      if (!changed) return [];
      if (state === 'processing') await this.processing.add(tx, changed);
      return isTold ? tellOf(tx, state === 'processing' ? 'recording.processing' : 'recording.started', changed) : [];
    });
    this.relay.committed(written);
    if (state === 'processing') this.processing.added();
  }

  /** Nothing is recorded on; what there is already is made into files. @returns whether it is over. */
  async #fail(row: LookedAt, node: JanusNode | undefined, handles: Handles, fault: RecordingFault): Promise<boolean> {
    this.report(new ProblemError('service_unavailable', `A recording cannot go on: ${fault}`), name);
    if (node) await this.#ask(row, node, handles, false).catch(() => undefined);
    if (row.state !== 'starting') {
      await this.#tellCall(row);
      await this.#change(row, 'processing');
      return true;
    }
    const written = await this.#database.transaction(async (tx) => {
      const failed = await noteState(tx, row, { state: 'failed', fault, keptSeconds: this.processing.keptSeconds }, true);
      return failed ? tellOf(tx, 'recording.failed', failed) : [];
    });
    this.relay.committed(written);
    return true;
  }

  /** Tells the calls service which recordings have failed while their calls went on. */
  async #tellCalls(): Promise<void> {
    for (const row of await notToldToCall(this.#database)) {
      await this.#tellCall(row)
        .then(() => noteToldToCall(this.#database, row.recording_id))
        .catch((error: unknown) => this.report(error, name));
    }
  }

  async #tellCall({ app_id: appId, call_id: callId, recording_id: recordingId }: Pick<LookedAt, 'app_id' | 'call_id' | 'recording_id'>) {
    await this.#calls.ask(internal.recordingFailed, { body: { appId, callId, recordingId } });
  }

  /** Where Janus writes: what has nothing there yet is not told to be recorded. */
  #rawOf({ recording_id }: LookedAt): string {
    return join(this.settings.RECORDINGS_FOLDER, 'raw', recording_id);
  }

  async #isDiskFull(): Promise<boolean> {
    const { RECORDINGS_FOLDER, RECORDINGS_FREE_BYTES } = this.settings;
    try {
      const { bavail, bsize } = await statfs(RECORDINGS_FOLDER);
      return bavail * bsize < RECORDINGS_FREE_BYTES;
    } catch {
      // It is made with the first recording.
      return false;
    }
  }
}

function keysWantedFor({ youngestMs }: RawFiles): { new_fir_freq?: number } {
  if (youngestMs < keysForMs) return { new_fir_freq: 1 };
  return youngestMs < keysForMs + keysNoMoreForMs ? { new_fir_freq: keyFrameSeconds } : {};
}

function standingOf({ node: where, is_closed }: LookedAt, node: JanusNode | undefined): RoomStanding {
  if (where === null) return 'none';
  if (is_closed) return 'closed';
  return node?.isWell ? 'there' : 'away';
}

/** Whether a folder could not be made: nothing can be recorded into it. */
function isOfFolder(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'mkdir';
}

/** @returns who sends, by what a room's list of participants says; whoever else got into it is nobody here. */
function feedsIn(answer: unknown): Feed[] {
  const data = z.object({ plugindata: z.object({ data: participantsSchema }) }).safeParse(answer);
  const all = data.success ? data.data.plugindata.data.participants : [];
  return all.flatMap(({ id, display, publisher }) => {
    if (!publisher) return [];
    try {
      return [{ feed: id, ...displaySchema.parse(JSON.parse(display ?? '')) }];
    } catch {
      return [];
    }
  });
}
