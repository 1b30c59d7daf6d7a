import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BroadcastId } from '@communication-center/contracts';
import { ProblemError, Settings, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';
import { KeptFiles } from './domain/kept-files.js';
import { ViewersPace } from './domain/viewers-pace.js';

/** Some seconds of twenty broadcasts of the largest kind: nobody asks for what is older. */
const ofSegments = { mostBytes: 67_108_864, mostFiles: 1000, forMs: 20_000 };
/** A playlist changes each second: whoever asks is told of the newest segment so much later at most. */
const ofPlaylists = { mostBytes: 4_194_304, mostFiles: 1000, forMs: 100 };
const forgetEveryMs = 10_000;

let refused = 0;
tellFigure('broadcast_requests_refused', 'Requests of viewers that were told to ask again, since this process began', () => refused);

/**
 * What viewers ask for, read once for all of them, and answered up to a pace: beyond it whoever asks is told to come back, so that a crowd of viewers takes
 * no more of this process than that, and the media of calls have the rest.
 */
@Injectable()
export class StreamFiles implements BeforeApplicationShutdown {
  readonly #segments = new KeptFiles(ofSegments, read);
  readonly #playlists = new KeptFiles(ofPlaylists, read);
  readonly #pace: ViewersPace;
  readonly #timer: NodeJS.Timeout;

  constructor(@Inject(Settings) private readonly settings: Pick<MediaSettings, 'BROADCASTS_FOLDER' | 'BROADCAST_REQUESTS_PER_SECOND'>) {
    this.#pace = new ViewersPace(settings.BROADCAST_REQUESTS_PER_SECOND);
    // What nobody asks for any more is not kept either.
    this.#timer = setInterval(() => {
      for (const files of [this.#segments, this.#playlists]) files.forget(performance.now());
    }, forgetEveryMs).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** @throws ProblemError `service_unavailable`, which names when to come back, where viewers ask for more than this replica answers. */
  requireRoom(broadcastId: BroadcastId): void {
    if (this.#pace.take(broadcastId, performance.now())) return;
    refused += 1;
    throw new ProblemError('service_unavailable', 'More viewers ask than are answered here (BROADCAST_REQUESTS_PER_SECOND): ask again', {
      retryAfterSeconds: 1,
    });
  }

  /** @returns a segment; undefined where there is none. */
  segment(broadcastId: BroadcastId, name: string): Promise<Buffer | undefined> {
    return this.#segments.of(join(this.settings.BROADCASTS_FOLDER, broadcastId, name), performance.now());
  }

  /** @returns the playlist, as it was a tenth of a second ago at most; undefined where there is none yet. */
  async playlist(broadcastId: BroadcastId): Promise<string | undefined> {
    const bytes = await this.#playlists.of(join(this.settings.BROADCASTS_FOLDER, broadcastId, 'live.m3u8'), performance.now());
    return bytes?.toString('utf8');
  }
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
