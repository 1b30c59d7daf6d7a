import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown, Optional } from '@nestjs/common';

/** How often is looked whether it is quiet, in milliseconds. */
const everyMs = 2000;
/** By so much the heap has grown since: less is not worth one. */
const grownBy = 1.33;

/** What is looked at, so that a test can say it. */
export interface Engine {
  /** @returns how much of the time since the last time the event loop has had work, from 0 to 1. */
  utilization: () => number;
  /** @returns bytes of the heap that are taken, garbage among them. */
  used: () => number;
  /** Looks through all of the memory, at once. */
  collect: () => void;
}

/** When it is quiet, and what is done then. */
export interface Quiet {
  /** Less of the time than this, from 0 to 1, has the event loop had work: nobody would have to wait for a collection. */
  below: number;
  /** So many looks in a row it has to be quiet: who has just had something to do may have again. */
  looks: number;
  /** Whether memory goes back to the machine, also what young objects were given room for: that takes some 50 ms, and is done once after the start as well. */
  givesBack: boolean;
}

/** A busy process is looked through in between: what thousands that connect leave behind would pile up. */
const inBetween: Quiet = { below: 0.25, looks: 1, givesBack: false };
/** One that is given much room for young objects, for when it is busy, gives it back when it has been idle for ten seconds: whoever rings meanwhile would wait for that. */
export const whenIdle: Quiet = { below: 0.02, looks: 5, givesBack: true };

/**
 * Looks through all of the memory while it is quiet, if it has grown by a third. What thousands that connect leave behind would pile up
 * to twice what is used otherwise, and stay as long as nothing happens; looking through it each time it has grown by a third, busy or
 * not, takes a fiftieth of the time in which commands of calls are brought, and each look keeps some of them waiting for 40 ms.
 *
 * It needs node's `--expose-gc`; without that it does nothing, and memory is what the engine makes of it.
 */
@Injectable()
export class QuietCollection implements OnApplicationBootstrap, OnApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #usedThen = 0;
  #quietLooks = 0;
  #isDue: boolean;

  constructor(
    @Optional() private readonly quiet: Quiet = inBetween,
    @Optional() private readonly engine: Engine = nodeEngine(quiet),
  ) {
    this.#isDue = quiet.givesBack;
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.look(), everyMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    const { utilization, used, collect } = this.engine;
    this.#quietLooks = utilization() < this.quiet.below ? this.#quietLooks + 1 : 0;
    const isQuiet = this.#quietLooks >= this.quiet.looks;
    const now = used();
    // Where the engine has collected by itself, what is left now is what counts.
    this.#usedThen = Math.min(this.#usedThen || now, now);
    if (!isQuiet || (!this.#isDue && now < this.#usedThen * grownBy)) return;
    this.#isDue = false;
    collect();
    this.#usedThen = used();
  }
}

function nodeEngine({ givesBack }: Quiet): Engine {
  let last = performance.eventLoopUtilization();
  return {
    utilization: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    used: () => getHeapStatistics().used_heap_size,
    collect: () => void globalThis.gc?.({ type: 'major', execution: 'sync', ...(givesBack && { flavor: 'last-resort' }) }),
  };
}
