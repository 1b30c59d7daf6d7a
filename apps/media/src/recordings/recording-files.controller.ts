import type { Readable } from 'node:stream';
import type { RecordingId, Subject } from '@communication-center/contracts';
import type { RecordingFile } from '@communication-center/contracts/recordings';
import { From, OpenToNobody, PathParam, Postgres, ProblemError } from '@communication-center/service';
import { Controller, Get, Headers, Res, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import { bytesAsked } from './domain/byte-range.js';
import { FileLinks } from './file-links.js';
import { keyOf } from './make-files.js';
import { filesOf, type RecordingRow } from './recording-rows.js';
import { RecordingStorages } from './storage/recording-storages.js';

const tokenSchema = z.string().regex(/^[A-Za-z0-9_-]{20,1500}$/, 'use the link as it was given');
const noSuch = () => new ProblemError('not_found', 'This link gives nothing, or gives it no longer: ask for the recording again');

/** What of the reply is set here. */
interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
}

/** Gives files of recordings to whoever has a link. */
@Controller('v1/recording-files')
export class RecordingFilesController {
  constructor(
    private readonly database: Postgres,
    private readonly links: FileLinks,
    private readonly storages: RecordingStorages,
  ) {}

  /** The link is the credential: a browser's player, or a download, has no other. */
  @Get(':token')
  @OpenToNobody()
  async give(
    @From() subject: Subject,
    @PathParam('token', tokenSchema) token: string,
    @Headers('range') range: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<StreamableFile> {
    if (subject.kind !== 'nobody') throw new ProblemError('forbidden', 'Send no credential: the link is one');
    const linked = this.links.read(token, new Date());
    const found = linked && (await this.#find(linked.recordingId, linked.name));
    if (!found) throw noSuch();
    const { row, file } = found;
    const asked = bytesAsked(range, file.bytes);
    reply.header('accept-ranges', 'bytes').header('cache-control', 'private, no-store');
    if (!asked) {
      reply.header('content-range', `bytes */${file.bytes}`);
      throw new ProblemError('range_not_satisfiable', `The file has ${file.bytes} bytes`);
    }
    const { start, end, isPart } = asked;
    const bytes = await this.#read(row, file, { start, end });
    if (isPart) reply.status(206).header('content-range', `bytes ${start}-${end}/${file.bytes}`);
    return new StreamableFile(bytes, {
      type: file.contentType,
      length: end - start + 1,
      disposition: `attachment; filename="${file.name}"`,
    });
  }

  async #find(recordingId: RecordingId, name: string): Promise<{ row: RecordingRow; file: RecordingFile } | undefined> {
    const { rows } = await this.database.query<RecordingRow>(
      "SELECT * FROM recordings WHERE recording_id = $1 AND state = 'ready' AND NOT is_erased AND expires_at > clock_timestamp()",
      [recordingId],
    );
    const [row] = rows;
    const file = row && (await filesOf(this.database, [recordingId])).get(recordingId)?.find((one) => one.name === name);
    return row && file && { row, file };
  }

  async #read(row: RecordingRow, { name }: RecordingFile, range: { start: number; end: number }): Promise<Readable> {
    const { store, prefix } = await this.storages.of(row.storage_id);
    const bytes = await store.read(keyOf(prefix, { appId: row.app_id, recordingId: row.recording_id }, name), range);
    if (!bytes) throw noSuch();
    return bytes;
  }
}
