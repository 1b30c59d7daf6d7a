import {
  type AppId,
  type CallId,
  callIdSchema,
  type RecordingId,
  recordingIdSchema,
  type Subject,
  type UserAlias,
} from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import {
  type RecordingList,
  type RecordingListQuery,
  type RecordingStorageBody,
  type RecordingStorageView,
  type RecordingView,
  recordingListQuerySchema,
  recordingStorageBodySchema,
} from '@communication-center/contracts/recordings';
import {
  ActsOnRecord,
  appOf,
  appOfKey,
  From,
  Identity,
  NeededBody,
  PathParam,
  Postgres,
  ProblemError,
  QueryString,
  Replicas,
  readCursor,
  ServiceClient,
  Settings,
  writeCursor,
} from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import type { MediaSettings } from '../settings.js';
import { DeleteRecordings } from './delete-recordings.js';
import { FileLinks } from './file-links.js';
import { filesOf, progressOf, type RecordingRow, recordingOf, recordingsOfApp, recordingsOfCall } from './recording-rows.js';
import { RecordingStorages } from './storage/recording-storages.js';

const placeSchema = z.tuple([z.iso.datetime(), recordingIdSchema]);
const RecordingIdParam = () => PathParam('recordingId', recordingIdSchema);
const noSuch = () => new ProblemError('not_found', 'No such recording');

/**
 * What servers read of recordings, and delete; starting and stopping them is the calls service's. Users read those in which they were recorded,
 * where their app lets users record.
 */
@Controller()
export class RecordingsController {
  readonly #lists;
  readonly #directory: ServiceClient;

  constructor(
    private readonly database: Postgres,
    private readonly links: FileLinks,
    private readonly storages: RecordingStorages,
    private readonly deleting: DeleteRecordings,
    private readonly acts: ActsOnRecord,
    identity: Identity,
    @Inject(Settings) { DIRECTORY_URL }: MediaSettings,
  ) {
    this.#lists = database.of('lists');
    this.#directory = new ServiceClient(identity, 'directory', new Replicas(DIRECTORY_URL));
  }

  @Get('v1/recordings')
  async list(
    @From() subject: Subject,
    @QueryString(recordingListQuerySchema) { limit, cursor }: RecordingListQuery,
  ): Promise<RecordingList> {
    const appId = appOfKey(subject, 'calls');
    const question = { list: 'recordings', appId };
    const [startedAt, recordingId] = readCursor(question, placeSchema, cursor) ?? [];
    const after = startedAt !== undefined && recordingId !== undefined ? { startedAt, recordingId } : undefined;
    const rows = await recordingsOfApp(this.#lists, appId, { limit, after });
    const last = rows.length === limit ? rows.at(-1) : undefined;
    const nextCursor = last ? writeCursor(question, [last.started_at.toISOString(), last.recording_id]) : null;
    return { recordings: await this.#view(rows), nextCursor };
  }

  @Get('v1/calls/:callId/recordings')
  async ofCall(@From() subject: Subject, @PathParam('callId', callIdSchema) callId: CallId): Promise<{ recordings: RecordingView[] }> {
    const appId = appOf(subject, 'calls');
    const rows = await recordingsOfCall(this.#lists, appId, callId, readerOf(subject));
    // Whether there is such a call is not told apart: media does not know calls.
    if (rows.length === 0 || !(await this.#mayRead(subject, appId)))
      throw new ProblemError('not_found', 'Nothing was recorded of such a call');
    return { recordings: await this.#view(rows) };
  }

  @Get('v1/recordings/:recordingId')
  async one(@From() subject: Subject, @RecordingIdParam() recordingId: RecordingId): Promise<RecordingView> {
    const appId = appOf(subject, 'calls');
    const row = await this.#required(appId, recordingId, readerOf(subject));
    if (!(await this.#mayRead(subject, appId))) throw noSuch();
    const [view] = await this.#view([row]);
    if (!view) throw noSuch();
    return view;
  }

  /** Deletes the files now, and what is known of the recording with them. */
  @Delete('v1/recordings/:recordingId')
  @HttpCode(204)
  async delete(@From() subject: Subject, @RecordingIdParam() recordingId: RecordingId): Promise<void> {
    const appId = appOfKey(subject, 'calls');
    const { state } = await this.#required(appId, recordingId);
    if (state !== 'ready' && state !== 'failed') {
      throw new ProblemError('conflict', 'The recording goes on, or is made into files: stop it, and wait until it is ready or has failed');
    }
    await this.acts.note(subject, { appId, act: 'recording.deleted', target: recordingId });
    await this.deleting.delete(recordingId);
  }

  @Put('v1/recording-storage')
  async saveStorage(
    @From() subject: Subject,
    @NeededBody(recordingStorageBodySchema) body: RecordingStorageBody,
  ): Promise<RecordingStorageView> {
    const appId = appOfKey(subject, 'calls');
    this.storages.require(body);
    await this.acts.note(subject, { appId, act: 'recording_storage.saved', target: body.bucket });
    return this.storages.save(appId, body);
  }

  @Get('v1/recording-storage')
  async storage(@From() subject: Subject): Promise<RecordingStorageView> {
    const view = await this.storages.view(appOfKey(subject, 'calls'));
    if (!view) throw new ProblemError('not_found', 'The app names no storage of its own');
    return view;
  }

  @Delete('v1/recording-storage')
  @HttpCode(204)
  async leaveStorage(@From() subject: Subject): Promise<void> {
    const appId = appOfKey(subject, 'calls');
    const { bucket } = await this.storage(subject);
    await this.acts.note(subject, { appId, act: 'recording_storage.deleted', target: bucket });
    await this.storages.leave(appId);
  }

  async #required(appId: AppId, recordingId: RecordingId, reader?: UserAlias): Promise<RecordingRow> {
    const row = await recordingOf(this.database, appId, recordingId, reader);
    if (!row) throw noSuch();
    return row;
  }

  /** Whether the app has its users read what they were recorded in. */
  async #mayRead(subject: Subject, appId: AppId): Promise<boolean> {
    if (subject.kind !== 'user') return true;
    const patience = { timeoutMs: 3000, retryForMs: 5000 };
    const { options } = await this.#directory.ask(internal.appOptions, { params: { appId } }, patience);
    return options.usersMayRecord === true;
  }

  async #view(rows: readonly RecordingRow[]): Promise<RecordingView[]> {
    const ids = rows.map(({ recording_id }) => recording_id);
    if (ids.length === 0) return [];
    const [files, progress] = [await filesOf(this.#lists, ids), await progressOf(this.#lists, ids)];
    const now = new Date();
    return rows.map(({ recording_id: recordingId, call_id: callId, state, fault, started_at, stopped_at, seconds, expires_at }) => ({
      ...{ recordingId, callId, state, fault, startedAt: started_at.toISOString(), stoppedAt: stopped_at?.toISOString() ?? null },
      ...{ seconds, progress: state === 'ready' ? 1 : (progress.get(recordingId) ?? 0), expiresAt: expires_at?.toISOString() ?? null },
      files: (files.get(recordingId) ?? []).map((file) => ({ ...file, ...this.links.linkTo({ recordingId, name: file.name }, now) })),
    }));
  }
}

/** @returns the user that asks; undefined for a server. */
function readerOf(subject: Subject): UserAlias | undefined {
  return subject.kind === 'user' ? subject.userAlias : undefined;
}
