import { InfrastructureError } from '@communication-center/event-log';
import { ProblemError, Report, type ReportError, Settings } from '@communication-center/service';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import Janode, { type Connection, type Session } from 'janode';
import VideoRoomPlugin, { type VideoRoomHandle } from 'janode/plugins/videoroom';
import type { MediaSettings } from '../settings.js';

interface Link {
  connection: Connection;
  session: Session;
}

/**
 * The connection to one Janus. janode neither reconnects nor times out: here a lost or hung connection is dropped as a
 * whole, and the next request makes a new one.
 */
@Injectable()
export class JanusNode implements OnApplicationShutdown {
  #link: Promise<Link> | undefined;
  readonly #lostListeners = new Set<() => void>();

  constructor(
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    Janode.Logger.setLevel('none');
  }

  /** Calls `listener` whenever Janus, and with it every handle, is lost. */
  onLost(listener: () => void): void {
    this.#lostListeners.add(listener);
  }

  /** @throws ProblemError `media_unavailable` when Janus does not answer. */
  async attach(): Promise<VideoRoomHandle> {
    const { session } = await this.#connected();
    return this.ask(session.attach(VideoRoomPlugin));
  }

  /**
   * Waits for an answer of Janus, but not for ever.
   * @throws ProblemError `media_unavailable` after the time-out: the connection is given up.
   */
  async ask<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#drop('Janus did not answer in time');
        reject(unavailable('Janus did not answer in time'));
      }, this.settings.JANUS_TIMEOUT_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const link = await this.#link?.catch(() => undefined);
    this.#link = undefined;
    await link?.connection.close().catch(() => undefined);
  }

  #connected(): Promise<Link> {
    if (!this.#link) {
      const link = this.#connect();
      this.#link = link;
      link.catch(() => {
        if (this.#link === link) this.#link = undefined;
      });
    }
    return this.#link;
  }

  async #connect(): Promise<Link> {
    try {
      const connection = await Janode.connect({
        address: { url: this.settings.JANUS_URL, apisecret: this.settings.JANUS_API_SECRET },
        max_retries: 0,
        ws_options: { handshakeTimeout: 1500 },
      });
      connection.once(Janode.EVENT.CONNECTION_ERROR, () => this.#drop('the connection to Janus broke'));
      connection.once(Janode.EVENT.CONNECTION_CLOSED, () => this.#drop('Janus closed the connection'));
      return { connection, session: await this.ask(connection.create(20)) };
    } catch (cause) {
      // janode rejects with an event, not an Error.
      const message = cause instanceof Object && 'message' in cause ? String(cause.message) : String(cause);
      throw unavailable(`Janus cannot be reached: ${message}`);
    }
  }

  #drop(why: string): void {
    const link = this.#link;
    if (!link) return;
    this.#link = undefined;
    this.report(new InfrastructureError(why), 'talking to Janus');
    link.then(({ connection }) => connection.close()).catch(() => undefined);
    for (const listener of this.#lostListeners) listener();
  }
}

function unavailable(why: string): ProblemError {
  return new ProblemError('media_unavailable', undefined, { cause: new InfrastructureError(why) });
}

/** @returns the videoroom's error code (https://janus.conf.meetecho.com/docs/videoroom), where janode's error has one. */
export function roomErrorCode(error: unknown): number | undefined {
  return error instanceof Error && '_code' in error && typeof error._code === 'number' ? error._code : undefined;
}
