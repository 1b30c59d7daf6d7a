import { createHash } from 'node:crypto';
import { InfrastructureError } from '@communication-center/event-log';
import { ProblemError, Report, type ReportError, Settings } from '@communication-center/service';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';
import { JanusNode } from './janus-node.js';

/** How often a node that is not there is tried, and how often those that are there are asked how many people they carry, in milliseconds. */
const tryEveryMs = 250;
const countEveryMs = 5000;

/**
 * All media nodes, each a Janus, by their names: which are well, and which carries least. A node that dies is known at once by its
 * connection, one that hangs by the first question it does not answer.
 */
@Injectable()
export class JanusNodes implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly all: readonly JanusNode[];
  readonly #drained: ReadonlySet<string>;
  readonly #lostListeners = new Set<(node: JanusNode) => void>();
  readonly #timers = new Map<() => Promise<void>, NodeJS.Timeout>();
  #isStopped = false;
  readonly #timeoutMs: number;

  constructor(@Inject(Settings) settings: MediaSettings, @Inject(Report) report: ReportError) {
    this.#timeoutMs = settings.JANUS_TIMEOUT_MS;
    this.#drained = new Set(settings.DRAINED_NODES);
    this.all = settings.JANUS_URL.map((url, index) => {
      const name = settings.MEDIA_NODE[index] ?? `janus-${index + 1}`;
      const node: JanusNode = new JanusNode(name, url, settings, report, () => {
        for (const listener of this.#lostListeners) listener(node);
      });
      return node;
    });
  }

  onApplicationBootstrap(): void {
    for (const node of this.all) {
      this.#every(tryEveryMs, async () => void (node.isWell || (await node.connect())));
      this.#every(countEveryMs, async () => void (node.isWell && (await node.count())));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.all.map((node) => node.close()));
  }

  /** Calls `listener` whenever a node, and with it every handle on it, is lost. */
  onLost(listener: (node: JanusNode) => void): void {
    this.#lostListeners.add(listener);
  }

  named(name: string): JanusNode | undefined {
    return this.all.find((node) => node.name === name);
  }

  /** Whether calls that are on a node of this name may stay there: a process that has just started may not be connected to it yet. */
  async mayStay(name: string): Promise<boolean> {
    return !this.#drained.has(name) && (await this.named(name)?.connect()) === true;
  }

  /**
   * @param call of nodes that carry as little one is chosen by this, by every replica the same.
   * @returns the node that carries least of those that are well; one that is being drained only where there is no other. Where none is
   * well it is waited for one, as while a Janus is started again.
   * @throws ProblemError `media_unavailable` where none comes in time.
   */
  async choose(call = ''): Promise<JanusNode> {
    for (const until = Date.now() + this.#timeoutMs; ; ) {
      if (!this.all.some(({ isWell }) => isWell)) await Promise.all(this.all.map((node) => node.connect()));
      const well = this.all.filter(({ isWell }) => isWell);
      const kept = well.filter(({ name }) => !this.#drained.has(name));
      const [least] = (kept.length > 0 ? kept : well).toSorted(
        (one, other) => one.load - other.load || rankOf(one, call) - rankOf(other, call),
      );
      if (least) return least;
      if (Date.now() >= until)
        throw new ProblemError('media_unavailable', undefined, { cause: new InfrastructureError('no media node is well') });
      await new Promise((resolve) => setTimeout(resolve, tryEveryMs * (0.5 + Math.random())));
    }
  }

  /** Does something again and again, one after the other, and never at the same moment as all other replicas. */
  #every(ms: number, work: () => Promise<void>): void {
    const pause = () => ms * (0.75 + Math.random() / 2);
    const next = async () => {
      await work().catch(() => undefined);
      if (!this.#isStopped) this.#timers.set(work, setTimeout(next, pause()).unref());
    };
    this.#timers.set(work, setTimeout(next, Math.random() * ms).unref());
  }
}

/** Spreads calls over nodes by chance, and the same for whoever asks. */
function rankOf({ name }: JanusNode, call: string): number {
  return createHash('sha256').update(`${name} ${call}`).digest().readUInt32BE();
}
