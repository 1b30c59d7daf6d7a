import type { AnyEvent } from '@communication-center/contracts';
import { isInfrastructureFailure } from '@communication-center/event-log';
import { Gathering } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { wantsType } from '../domain/event-filter.js';
import { isPresence, type Message, messageOf } from '../domain/message.js';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { Lanes } from '../lanes/lanes.js';

/** Batches that one commit writes at most; each is what a fetch brought. */
const batchesAtOnce = 8;
const batchesWaiting = 1000;

/** Keeps the events of apps that have an endpoint, before their offsets are committed, and hands them to the lanes. */
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

  /** Resolves when they are kept. A repeat keeps nothing. Of apps that have no endpoint nothing is, and no statement is asked. */
  async take(events: readonly AnyEvent[]): Promise<void> {
    const endpoints = await this.endpoints.of([...new Set(events.map(({ appid }) => appid))]);
    if (endpoints.length === 0) return;
    const byApp = Map.groupBy(endpoints, ({ appId }) => appId);
    const isKept = (message: Message) => {
      const ofApp = byApp.get(message.appId) ?? [];
      return isPresence(message) ? ofApp.some(({ eventTypes }) => wantsType(eventTypes, message.type)) : ofApp.length > 0;
    };
    const messages = events.map(messageOf).filter(isKept);
    if (messages.length > 0) await this.#together.add(messages);
  }
}
