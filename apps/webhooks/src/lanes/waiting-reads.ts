import type { Sql } from '@communication-center/event-log';
import type { ReportError } from '@communication-center/service';
import type { Lane } from './lane.js';
import { readWaiting, type WaitingRow } from './lane-rows.js';

/** Of what waits, so much is read of an endpoint at a time. */
const waitingOfEach = 20;
const lanesReadAtOnce = 500;

/** Reads what waits of all lanes that want it in the same moment, in one statement. */
export class WaitingReads {
  readonly #wanting = new Set<Lane>();

  constructor(
    private readonly sql: Sql,
    private readonly report: ReportError,
  ) {}

  readSoon(lane: Lane): void {
    this.#wanting.add(lane);
    if (this.#wanting.size === 1) setImmediate(() => void this.#read());
  }

  async #read(): Promise<void> {
    const lanes = [...this.#wanting].filter((lane) => lane.wantsWaiting).slice(0, lanesReadAtOnce);
    this.#wanting.clear();
    if (lanes.length === 0) return;
    for (const lane of lanes) lane.readsWaiting();
    let byLane = new Map<string, WaitingRow[]>();
    let isRead = true;
    try {
      const ids = lanes.map(({ endpointId }) => endpointId);
      byLane = Map.groupBy(await readWaiting(this.sql, ids, waitingOfEach), ({ endpointId }) => endpointId);
    } catch (error) {
      isRead = false;
      this.report(error, 'reading what waits');
    }
    for (const lane of lanes) {
      if (isRead) lane.offerWaiting(byLane.get(lane.endpointId) ?? [], waitingOfEach);
      else lane.couldNotRead();
    }
  }
}
