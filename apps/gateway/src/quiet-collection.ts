import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown, Optional } from '@nestjs/common';

/** How often is looked whether it is quiet, in milliseconds. */
const everyMs = 2000;
/** Less of the time than this has the event loop had work: nobody would have to wait for a collection. */
const quietBelow = 0.25;
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

  constructor(@Optional() private readonly engine: Engine = nodeEngine()) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.look(), everyMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    const { utilization, used, collect } = this.engine;
    const isQuiet = utilization() < quietBelow;
    const now = used();
    // Where the engine has collected by itself, what is left now is what counts.
    this.#usedThen = Math.min(this.#usedThen || now, now);
    if (!isQuiet || now < this.#usedThen * grownBy) return;
    collect();
    this.#usedThen = used();
  }
}

function nodeEngine(): Engine {
  let last = performance.eventLoopUtilization();
  return {
    utilization: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    used: () => getHeapStatistics().used_heap_size,
    collect: () => void globalThis.gc?.({ type: 'major', execution: 'sync' }),
  };
}
