import type { BroadcastId, Subject } from '@communication-center/contracts';
import type { BroadcastWatched } from '@communication-center/contracts/broadcasts';
import { From, OpenToNobody, PathParam, Postgres, ProblemError, Settings } from '@communication-center/service';
import { Controller, Get, Headers, Inject, Query, Res, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import type { MediaSettings } from '../settings.js';
import { type BroadcastRow, broadcastOf } from './broadcast-rows.js';
import { CountViewers } from './count-viewers.js';
import { isActive } from './domain/next-act.js';
import { leadingTo } from './domain/playlist.js';
import { sizeFor } from './domain/scene.js';
import { StreamFiles } from './stream-files.js';
import { newViewer, StreamLinks, viewerForm } from './stream-links.js';

const tokenSchema = z.string().regex(/^[A-Za-z0-9_-]{20,500}$/, 'use the link as it was given');
const fileSchema = z.string().regex(/^(index\.m3u8|live\.m3u8|status|\d{1,9}-\d{1,9}-\d{7,12}\.ts)$/, 'ask for what a playlist names');
const noSuch = () => new ProblemError('not_found', 'This link gives nothing, or gives it no longer');
/** What is known of a broadcast is asked so often for all its viewers, in milliseconds. */
const knownMs = 1000;
const mostKnown = 1000;

/** What of the reply is set here. */
interface Reply {
  header(name: string, value: string): Reply;
  status(code: number): Reply;
}

/** Gives broadcasts to whoever has a link: playlists, segments, and how it stands. Any replica does: it reads the folder that all share. */
@Controller('v1/broadcast-streams')
export class BroadcastStreamsController {
  readonly #known = new Map<BroadcastId, { row: Promise<BroadcastRow | undefined>; until: number }>();
  readonly #lists;

  constructor(
    database: Postgres,
    private readonly links: StreamLinks,
    private readonly viewers: CountViewers,
    private readonly files: StreamFiles,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {
    this.#lists = database.of('lists');
  }

  /** The link is the credential: a browser's player has no other. */
  @Get(':token/:file')
  @OpenToNobody()
  async give(
    @From() subject: Subject,
    @PathParam('token', tokenSchema) token: string,
    @PathParam('file', fileSchema) file: string,
    @Query('viewer') viewer: unknown,
    @Headers('if-none-match') seen: unknown,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<StreamableFile | BroadcastWatched | undefined> {
    if (subject.kind !== 'nobody') throw new ProblemError('forbidden', 'Send no credential: the link is one');
    const broadcastId = this.links.read(token);
    if (broadcastId) this.files.requireRoom(broadcastId);
    const row = broadcastId && (await this.#rowOf(broadcastId));
    if (!row) throw noSuch();
    // Each viewer asks for it itself: so who watches is counted.
    reply.header('cache-control', 'no-store');
    if (file === 'status') return watchedOf(row);
    if (file === 'index.m3u8') return playlist(this.#leading());
    if (file === 'live.m3u8') return playlist(await this.#live(row, viewer));
    const bytes = await this.files.segment(row.broadcast_id, file);
    if (!bytes) throw noSuch();
    // A segment never changes, and its name is no other's; it is gone before this is over.
    reply.header('cache-control', 'public, max-age=60, immutable').header('etag', `"${file}"`);
    if (seen === `"${file}"`) return void reply.status(304);
    return new StreamableFile(bytes, { type: 'video/mp2t', length: bytes.length });
  }

  #leading(): string {
    const { BROADCAST_HEIGHT, BROADCAST_BITRATE } = this.settings;
    return leadingTo(`live.m3u8?viewer=${newViewer()}`, {
      ...sizeFor(BROADCAST_HEIGHT),
      bitsPerSecond: Math.round(BROADCAST_BITRATE * 1.2) + 128_000,
    });
  }

  async #live(row: BroadcastRow, viewer: unknown): Promise<string> {
    const text = await this.files.playlist(row.broadcast_id);
    if (text === undefined) throw noSuch();
    if (!isActive(row.state)) return `${text}#EXT-X-ENDLIST\n`;
    if (typeof viewer === 'string' && viewerForm.test(viewer)) this.viewers.note(row.broadcast_id, viewer);
    return text;
  }

  /** However many watch, the database is asked once a second. */
  #rowOf(broadcastId: BroadcastId): Promise<BroadcastRow | undefined> {
    const now = performance.now();
    const known = this.#known.get(broadcastId);
    if (known && known.until > now) return known.row;
    this.#known.delete(broadcastId);
    const row = broadcastOf(this.#lists, broadcastId);
    row.catch(() => this.#known.delete(broadcastId));
    this.#known.set(broadcastId, { row, until: now + knownMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
    return row;
  }
}

const playlist = (text: string) => new StreamableFile(Buffer.from(text), { type: 'application/vnd.apple.mpegurl' });

const watchedOf = ({ state, viewers, latency_ms: latencyMs }: BroadcastRow): BroadcastWatched => ({
  ...{ state, viewers, latencyMs: isActive(state) ? latencyMs : null, now: new Date().toISOString() },
});
