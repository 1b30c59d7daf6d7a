import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { BroadcastId } from '@communication-center/contracts';
import type { BroadcastFault, BroadcastState } from '@communication-center/contracts/broadcasts';
import { internal } from '@communication-center/contracts/internal';
import { OutboxRelay } from '@communication-center/event-log';
import {
  AddressGuard,
  type HeldLease,
  Identity,
  LeasedWork,
  Postgres,
  Replicas,
  Report,
  type ReportError,
  SealedBox,
  ServiceClient,
  Settings,
} from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { JanusNodes } from '../janus/janus-nodes.js';
import type { MediaSettings } from '../settings.js';
import { tellOf } from './broadcast-events.js';
import {
  type BroadcastRow,
  type Claimed,
  claimUnmade,
  giveBack,
  nextDueIn,
  notePush,
  noteState,
  noteToldToCall,
  notToldToCall,
  overdue,
  renew,
} from './broadcast-rows.js';
import { CountViewers } from './count-viewers.js';
import { MakeBroadcast, type Making, type Outcome } from './make-broadcast.js';

const name = 'broadcasting calls';
/** Who makes a broadcast says so each second; when it was not said for so long, in seconds, another process makes it. */
const leaseSeconds = 5;
const renewEveryMs = 1000;
/** Nobody has had room for a broadcast for so long, in seconds. */
const waitSeconds = 20;
/** Where none goes on, it is looked for one so often, in case that nobody who heard of one lived. */
const quietMs = 15_000;
/** Where less is free, in bytes, whatever is set: ffmpeg goes on, and leaves segments without anything in them. */
const leastFree = 262_144;
/** Where the service stops, studios and servers elsewhere are left within this time, in milliseconds. */
const graceMs = 5000;

/**
 * Makes broadcasts, so many of a replica at a time. The row of one is a lease: of a replica that is killed another goes on, in the same playlist.
 */
@Injectable()
export class CarryOutBroadcasts extends LeasedWork<Claimed> {
  readonly #database;
  readonly #calls: ServiceClient;
  readonly #guard: AddressGuard;
  readonly #box: SealedBox;
  /** What measures each broadcast that is made here. */
  readonly #made = new Map<BroadcastId, MakeBroadcast>();

  constructor(
    database: Postgres,
    identity: Identity,
    private readonly nodes: JanusNodes,
    private readonly relay: OutboxRelay,
    private readonly viewers: CountViewers,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const lease = { leaseMs: leaseSeconds * 1000, renewEveryMs, graceMs };
    super({ name, report, maxPauseMs: quietMs, mostAtOnce: settings.BROADCASTS, ...lease });
    this.#database = database.of('consumers');
    this.#calls = new ServiceClient(identity, 'calls', new Replicas(settings.CALLS_URL));
    this.#guard = new AddressGuard(settings);
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  protected async look(room: number, begin: (row: Claimed) => void): Promise<number | null> {
    const claimed = room > 0 ? await claimUnmade(this.#database, room, leaseSeconds) : [];
    for (const row of claimed) begin(row);
    for (const row of await overdue(this.#database, waitSeconds)) await this.#end(row, row.wanted === 'live' ? 'no_capacity' : undefined);
    await this.#tellCalls();
    const next = await nextDueIn(this.#database);
    // One that is due while there is no room here is another replica's.
    return next === null ? null : Math.max(next, room > claimed.length ? 50 : 1000);
  }

  /** Makes a broadcast, until it is over, another process does, or this one stops. */
  protected async carryOut(lease: HeldLease<Claimed>): Promise<void> {
    const { row } = lease;
    if (row.before >= this.settings.BROADCASTS_PER_APP && row.live_at === null && row.wanted === 'live') return this.#end(row, 'too_many');
    const folder = join(this.settings.BROADCASTS_FOLDER, row.broadcast_id);
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      this.report(error, name);
      return this.#end(row, 'disk_full');
    }
    const made = new MakeBroadcast(row, this.#making(folder, row));
    this.#made.set(row.broadcast_id, made);
    let end: Outcome;
    try {
      do end = await this.#lookAt(lease, made);
      while (!end.isOver && (await lease.renewed()));
    } finally {
      this.#made.delete(row.broadcast_id);
      await made.close();
    }
    // Others need the room more than viewers need the last seconds.
    if (end.isOver && end.fault === 'disk_full') await forgetFiles(this.settings.BROADCASTS_FOLDER, row.broadcast_id);
  }

  protected async renew(row: Claimed): Promise<Claimed | undefined> {
    const latencyMs = this.#made.get(row.broadcast_id)?.latencyMs ?? null;
    return renew(this.#database, row, leaseSeconds, { viewers: await this.viewers.of(row.broadcast_id), latencyMs });
  }

  protected release(row: Claimed): Promise<void> {
    return giveBack(this.#database, row);
  }

  async #lookAt(lease: HeldLease<Claimed>, made: MakeBroadcast): Promise<Outcome> {
    const outcome = await made.look(lease.row).catch((error: unknown): Outcome => {
      this.report(error, name);
      return { isOver: false, isLive: false };
    });
    if (outcome.isOver) await this.#end(lease.row, outcome.fault);
    else if (outcome.isLive && lease.row.state === 'starting') lease.row = { ...lease.row, ...(await this.#change(lease.row, 'live')) };
    return outcome;
  }

  #making(folder: string, { broadcast_id: broadcastId, app_id: appId }: Claimed): Making {
    return {
      folder,
      nodes: this.nodes,
      settings: this.settings,
      guard: this.#guard,
      report: (error) => this.report(error, name),
      isDiskFull: () => this.#isDiskFull(),
      unseal: (sealed) => JSON.parse(this.#box.open(`broadcasts/${appId}`, sealed)) as { url: string; streamKey: string },
      onPush: async (pushId, state, fault) => {
        const written = await this.#database.transaction(async (tx) => {
          const noted = await notePush(tx, { broadcastId, pushId, state, ...(fault && { fault }) });
          return noted ? tellOf(tx, state === 'live' ? 'broadcast.push_live' : 'broadcast.push_failed', noted) : [];
        });
        this.relay.committed(written);
      },
    };
  }

  async #change(row: BroadcastRow, state: BroadcastState, fault?: BroadcastFault): Promise<BroadcastRow | undefined> {
    let changed: BroadcastRow | undefined;
    const written = await this.#database.transaction(async (tx) => {
      changed = await noteState(tx, row, { state, ...(fault && { fault }) }, this.settings.KEEP_BROADCASTS_DAYS * 86_400);
      return changed ? tellOf(tx, `broadcast.${state}`, changed) : [];
    });
    this.relay.committed(written);
    return changed;
  }

  /** It is over: because somebody wished so, or for a fault. */
  async #end(row: BroadcastRow, fault: BroadcastFault | undefined): Promise<void> {
    await this.#change(row, fault ? 'failed' : 'stopped', fault);
    if (fault) await this.#tellCalls();
  }

  /** Tells the calls service which broadcasts have failed while their calls went on. */
  async #tellCalls(): Promise<void> {
    for (const { app_id: appId, call_id: callId, broadcast_id: broadcastId } of await notToldToCall(this.#database)) {
      await this.#calls
        .ask(internal.broadcastFailed, { body: { appId, callId, broadcastId } })
        .then(() => noteToldToCall(this.#database, broadcastId))
        .catch((error: unknown) => this.report(error, name));
    }
  }

  async #isDiskFull(): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.settings.BROADCASTS_FOLDER);
    return bavail * bsize < Math.max(this.settings.BROADCASTS_FREE_BYTES, leastFree);
  }
}

/** Deletes what lies on disks of a broadcast. */
export const forgetFiles = (folder: string, broadcastId: string): Promise<void> =>
  rm(join(folder, broadcastId), { recursive: true, force: true });
