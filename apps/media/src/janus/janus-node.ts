import { InfrastructureError } from '@communication-center/event-log';
import { ProblemError, type ReportError } from '@communication-center/service';
import Janode, { type Connection, type Handle, type Session } from 'janode';
import VideoRoomPlugin, { type VideoRoomHandle } from 'janode/plugins/videoroom';
import type { MediaSettings } from '../settings.js';
import { afterTurns } from './turns.js';

interface Link {
  connection: Connection;
  session: Session;
  /** A handle that is attached already, for whoever needs one next. */
  spare?: VideoRoomHandle | undefined;
}

const keepAliveSeconds = 20;
/** So long after a handle was taken, in milliseconds, the next is attached: whoever took it has the first word with Janus. */
const spareAfterMs = 20;
/** Somebody placed counts for two until Janus' own count has them: few calls have fewer people. */
const placedCounts = 2;

/**
 * The connection to one Janus. janode neither reconnects nor times out: here a lost or hung connection is dropped as a
 * whole, and the next request makes a new one.
 */
export class JanusNode {
  #link: Promise<Link> | undefined;
  #isWell = false;
  #sparing: NodeJS.Timeout | undefined;
  #counted = 0;
  #placed = 0;

  /** @param onLost is called whenever this Janus, and with it every handle here, is lost. */
  constructor(
    readonly name: string,
    private readonly url: string,
    private readonly settings: Pick<MediaSettings, 'JANUS_API_SECRET' | 'JANUS_ADMIN_KEY' | 'JANUS_TIMEOUT_MS'>,
    private readonly report: ReportError,
    private readonly onLost: () => void = () => undefined,
  ) {
    Janode.Logger.setLevel('none');
  }

  /** Whether it answered when it was last asked, and is connected since. */
  get isWell(): boolean {
    return this.#isWell;
  }

  /** How many people it carries by its own last count, and those whose calls were placed on it since. */
  get load(): number {
    return this.#counted + this.#placed;
  }

  /** A call was placed on it. */
  placed(): void {
    this.#placed += placedCounts;
  }

  /** Connects to it where it is not connected. @returns whether it is there. */
  async connect(): Promise<boolean> {
    await this.#connected().catch(() => undefined);
    return this.#isWell;
  }

  /** Counts whom it carries. @throws ProblemError `media_unavailable`. */
  async count(): Promise<void> {
    const placedBefore = this.#placed;
    const rooms = await this.list();
    this.#counted = rooms.reduce((sum, { num_participants }) => sum + num_participants, 0);
    this.#placed -= placedBefore;
  }

  /** @returns all rooms it has. @throws ProblemError `media_unavailable`. */
  async list(): Promise<{ room: string; num_participants: number }[]> {
    const handle = await this.attach();
    try {
      return (await this.ask(handle.list({ admin_key: this.settings.JANUS_ADMIN_KEY }))).list;
    } finally {
      await handle.detach().catch(() => undefined);
    }
  }

  /** @returns a handle that nobody else has, as a rule without asking for it. @throws ProblemError `media_unavailable` when Janus does not answer. */
  async attach(): Promise<VideoRoomHandle> {
    const link = await this.#connected();
    const { spare } = link;
    link.spare = undefined;
    this.#spareSoon(link);
    return spare ?? this.ask(link.session.attach(VideoRoomPlugin));
  }

  /** As {@link attach}, to whichever plugin. */
  async attachTo<H extends Handle>(plugin: { Handle: new (...args: never[]) => H }): Promise<H> {
    const { session } = await this.#connected();
    return this.ask(session.attach(plugin));
  }

  /**
   * Waits for an answer of Janus, but not for ever.
   * @throws ProblemError `media_unavailable` after the time-out: the connection is given up.
   */
  async ask<T>(answer: Promise<T>): Promise<T> {
    let stop: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      stop = afterTurns(this.settings.JANUS_TIMEOUT_MS, () => {
        this.#drop('Janus did not answer in time');
        reject(unavailable('Janus did not answer in time'));
      });
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      stop();
    }
  }

  /** Lets go of it. What it carries for this process goes on there for as long as its `reclaim_session_timeout` says. */
  async close(): Promise<void> {
    this.#isWell = false;
    clearTimeout(this.#sparing);
    const link = await this.#link?.catch(() => undefined);
    this.#link = undefined;
    await link?.connection.close().catch(() => undefined);
  }

  /** Has a handle attached for the next who needs one. Where that fails, they attach it themselves. */
  #spareSoon(link: Link): void {
    clearTimeout(this.#sparing);
    this.#sparing = setTimeout(async () => {
      const spare = await this.ask(link.session.attach<VideoRoomHandle>(VideoRoomPlugin)).catch(() => undefined);
      if (!spare) return;
      spare.once(Janode.EVENT.HANDLE_DETACHED, () => {
        if (link.spare === spare) link.spare = undefined;
      });
      if (link.spare) await spare.detach().catch(() => undefined);
      else link.spare = spare;
    }, spareAfterMs).unref();
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
        address: { url: this.url, apisecret: this.settings.JANUS_API_SECRET },
        max_retries: 0,
        ws_options: { handshakeTimeout: 1500 },
      });
      connection.once(Janode.EVENT.CONNECTION_ERROR, () => this.#drop('the connection to Janus broke'));
      connection.once(Janode.EVENT.CONNECTION_CLOSED, () => this.#drop('Janus closed the connection'));
      const session = await this.ask(connection.create(keepAliveSeconds));
      this.#isWell = true;
      return { connection, session };
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
    // One that is away is reported when it is lost, and not with each try to find it.
    if (this.#isWell) this.report(new InfrastructureError(`${this.name}: ${why}`), 'talking to Janus');
    this.#isWell = false;
    this.#counted = 0;
    this.#placed = 0;
    link.then(({ connection }) => connection.close()).catch(() => undefined);
    this.onLost();
  }
}

function unavailable(why: string): ProblemError {
  return new ProblemError('media_unavailable', undefined, { cause: new InfrastructureError(why) });
}

/** @returns the videoroom's error code (https://janus.conf.meetecho.com/docs/videoroom), where janode's error has one. */
export function roomErrorCode(error: unknown): number | undefined {
  return error instanceof Error && '_code' in error && typeof error._code === 'number' ? error._code : undefined;
}
