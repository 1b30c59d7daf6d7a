import type { AnyEvent, AppId } from '@communication-center/contracts';
import { isInfrastructureFailure } from '@communication-center/event-log';
import { Gathering } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { wantsType } from '../domain/event-filter.js';
import { isPresence, type Message, messageOf, presenceType } from '../domain/message.js';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { Lanes } from '../lanes/lanes.js';

/** Batches that one commit writes at most; each is what a fetch brought. */
const batchesAtOnce = 8;
const batchesWaiting = 1000;

/** Keeps the events of apps that have an endpoint, a consumer or the option `eventLog`, before their offsets are committed, and hands them to the lanes. */
@Injectable()
export class KeepMessages {
  readonly #together: Gathering<readonly Message[], void>;

  constructor(
    private readonly endpoints: EndpointStore,
    lanes: Lanes,
  ) {
    this.#together = new Gathering({
      work: (batches) => lanes.write(batches.flat()).then(() => batches.map(() => ({ done: undefined }))),
      mostAtOnce: batchesAtOnce,
      mostWaiting: batchesWaiting,
      mayFallApart: (error) => !isInfrastructureFailure(error),
    });
  }

  /**
   * @returns what says which of some apps have events kept: of presence, of which there is much, those of which somebody names it. As {@link take}
   * it knows of all whose making was answered before it is asked, so that none of their events is passed over.
   */
  heeds(what: 'presence' | 'all'): (appIds: readonly string[]) => Promise<ReadonlySet<string>> {
    return async (appIds) => {
      const kept = await this.endpoints.kept(appIds as readonly AppId[]);
      return new Set([...kept].flatMap(([appId, eventTypes]) => (what === 'all' || wantsType(eventTypes, presenceType) ? [appId] : [])));
    };
  }

  /** Resolves when they are kept. A repeat keeps nothing. Of apps that have none of these nothing is, and no statement is asked. */
  async take(events: readonly AnyEvent[]): Promise<void> {
    const kept = await this.endpoints.kept([...new Set(events.map(({ appid }) => appid))]);
    if (kept.size === 0) return;
    // Of presence there is much, and it is kept where somebody names it.
    const isKept = (message: Message) => {
      const eventTypes = kept.get(message.appId);
      return eventTypes !== undefined && (!isPresence(message) || wantsType(eventTypes, message.type));
    };
    const messages = events.map(messageOf).filter(isKept);
    if (messages.length > 0) await this.#together.add(messages);
  }
}
