import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { type StreamPlace, writePlace } from '../domain/stream-place.js';
import { type ReadChanges, readChanges } from './read-changes.js';

/** Lets readers of an app who stand at the same place, as all do who keep up, share one reading of what comes next. */
export class SharedReads {
  readonly #reads = new Map<AppId, Map<string, Promise<ReadChanges>>>();

  constructor(private readonly database: Sql) {}

  /** There are newer changes of an app: a reading that has begun before may lack them, so nobody joins it any more. */
  outdate(appId: AppId): void {
    this.#reads.delete(appId);
  }

  async read(appId: AppId, after: StreamPlace): Promise<ReadChanges> {
    const ofApp = this.#reads.get(appId) ?? new Map<string, Promise<ReadChanges>>();
    this.#reads.set(appId, ofApp);
    const place = writePlace(after);
    const begun = ofApp.get(place);
    if (begun) return begun;
    const reading = readChanges(this.database, appId, after).finally(() => {
      ofApp.delete(place);
      if (ofApp.size === 0 && this.#reads.get(appId) === ofApp) this.#reads.delete(appId);
    });
    ofApp.set(place, reading);
    return reading;
  }
}
