import type { BroadcastFault, PushFault, PushState } from '@communication-center/contracts/broadcasts';
import type { AddressGuard } from '@communication-center/service';
import { roomErrorCode } from '../janus/janus-node.js';
import type { JanusNodes } from '../janus/janus-nodes.js';
import type { MediaSettings } from '../settings.js';
import type { Claimed } from './broadcast-rows.js';
import { Endings, nextAct, type Standing } from './domain/next-act.js';
import { ForwardStreams } from './forward-streams.js';
import { PushStream, type PushTarget } from './push/push-stream.js';
import { StudioProcess } from './studio-process.js';

const diskEveryMs = 5000;
const noSuchRoom = 426;
/** What Node and ffmpeg say of a disk that is full. */
const saysNoRoom = /ENOSPC|No space left on device/;

/** What making a broadcast asks of its process. */
export interface Making {
  folder: string;
  nodes: JanusNodes;
  settings: MediaSettings;
  guard: AddressGuard;
  report: (error: unknown) => void;
  isDiskFull: () => Promise<boolean>;
  unseal: (sealed: Buffer) => PushTarget;
  onPush: (pushId: string, state: PushState, fault?: PushFault) => Promise<void>;
}

/** How it stands: whether there is something to be seen, and whether it is over, and why. */
export type Outcome = { isOver: false; isLive: boolean } | { isOver: true; fault: BroadcastFault | undefined };

/** One run of a broadcast: the studio, what is forwarded to it, and where it is pushed to. */
export class MakeBroadcast {
  readonly #endings = new Endings();
  #studio: StudioProcess | undefined;
  #studios = 0;
  #forwards: ForwardStreams | undefined;
  #where = '';
  #push: { id: string; stream: PushStream } | undefined;
  #startsAt = 0;
  #diskAt = -diskEveryMs;
  #isClosed = false;

  constructor(
    private readonly first: Claimed,
    private readonly making: Making,
  ) {}

  /** By the newest segment; null where there is none. */
  get latencyMs(): number | null {
    return this.#studio?.latencyMs ?? null;
  }

  /** Does what is to be done now about a broadcast. Each second; repeats change nothing. */
  async look(row: Claimed): Promise<Outcome> {
    const node = row.node === null ? undefined : this.making.nodes.named(row.node);
    const { BROADCAST_HOURS } = this.making.settings;
    const age = { secondsOld: row.seconds_old, mostSeconds: BROADCAST_HOURS * 3600 };
    const act = nextAct(row.wanted, standingOf(row, node?.isWell === true), this.#studio !== undefined, age);
    if (act === 'finish') return over();
    if (act === 'end_too_long') return over('too_long');
    if (act === 'wait') return { isOver: false, isLive: false };
    if (await this.#isDiskFull()) return over('disk_full');
    const fault = await this.#ensureStudio();
    if (fault) return over(fault);
    this.#ensurePush(row);
    if (act === 'broadcast' && node) {
      const where = `${row.node}/${row.generation}`;
      if (where !== this.#where) await this.#leaveRoom();
      this.#where = where;
      this.#forwards ??= new ForwardStreams(
        node,
        { room: row.call_id, secret: row.room_secret ?? '', pin: row.pin ?? '' },
        this.making.settings,
      );
      const refused = await this.#follow(this.#forwards);
      if (refused) return over(refused);
    }
    return { isOver: false, isLive: this.#studio?.isLive === true };
  }

  /** Ends whatever runs for it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#push?.stream.close();
    this.#studio?.end();
    await this.#leaveRoom();
  }

  /** @returns why it is given up. */
  async #ensureStudio(): Promise<BroadcastFault | undefined> {
    const ended = this.#studio?.ended;
    if (ended !== undefined) {
      this.making.report(new Error(`A studio ended: ${ended}`));
      this.#studio = undefined;
      if (saysNoRoom.test(ended) || (await this.making.isDiskFull())) return 'disk_full';
      const again = this.#endings.note(performance.now());
      if (again === undefined) return 'encoder_failed';
      this.#startsAt = performance.now() + again;
      void this.#forwards?.forget();
      this.#push?.stream.restart();
    }
    if (this.#studio || performance.now() < this.#startsAt) return undefined;
    const { settings, folder } = this.making;
    // Ordered by their names, and told apart from those of every other run.
    const run = `${this.first.run}-${this.#studios++}`;
    this.#studio = new StudioProcess(
      {
        ...{ folder, run, host: settings.BROADCAST_HOST, ports: settings.BROADCAST_PORTS, height: settings.BROADCAST_HEIGHT },
        ...{ framesPerSecond: settings.BROADCAST_FRAMES, bitsPerSecond: settings.BROADCAST_BITRATE },
      },
      (name) => this.#push?.stream.push(name),
    );
    return undefined;
  }

  /** @returns why it is given up, where Janus says no. */
  async #follow(forwards: ForwardStreams): Promise<BroadcastFault | undefined> {
    const studio = this.#studio;
    if (studio?.port === undefined) return undefined;
    try {
      const streams = await forwards.ensure(studio.port, studio.takeLacking());
      if (streams) studio.show(streams);
      return undefined;
    } catch (error) {
      // What is not Janus' own refusal may be otherwise a second later; nor is a room that is made anew with whoever joins it.
      await this.#leaveRoom();
      const code = roomErrorCode(error);
      if (code !== noSuchRoom) this.making.report(error);
      return code === undefined || code === noSuchRoom ? undefined : 'media_refused';
    }
  }

  async #leaveRoom(): Promise<void> {
    const forwards = this.#forwards;
    this.#forwards = undefined;
    await forwards?.close();
  }

  #ensurePush({ push_id: id, push_sealed: sealed, push_state: state }: Claimed): void {
    if (this.#push && this.#push.id !== id) {
      this.#push.stream.close();
      this.#push = undefined;
    }
    if (this.#push || id === null || sealed === null || state === 'failed') return;
    const { making } = this;
    const note = (told: PushState, fault?: PushFault) => making.onPush(id, told, fault).catch((error: unknown) => making.report(error));
    const target = unsealed(making, sealed);
    if (!target) return void note('failed', 'broken');
    const stream = new PushStream(target, {
      ...{ guard: making.guard, folder: making.folder, timeoutMs: making.settings.BROADCAST_PUSH_MS },
      onLive: () => void note('live'),
      onEnd: (fault, error) => {
        if (this.#isClosed) return;
        making.report(error);
        void note('failed', fault);
      },
    });
    this.#push = { id, stream };
  }

  async #isDiskFull(): Promise<boolean> {
    const now = performance.now();
    if (now - this.#diskAt < diskEveryMs) return false;
    this.#diskAt = now;
    return this.making.isDiskFull();
  }
}

/** @returns where to; undefined where the key was taken out since it was saved. */
function unsealed({ unseal, report }: Making, sealed: Buffer): PushTarget | undefined {
  try {
    return unseal(sealed);
  } catch (error) {
    report(error);
    return undefined;
  }
}

const over = (fault?: BroadcastFault): Outcome => ({ isOver: true, fault });

function standingOf({ node, is_closed }: Claimed, isWell: boolean): Standing {
  if (node === null) return 'none';
  if (is_closed) return 'closed';
  return isWell ? 'there' : 'away';
}
