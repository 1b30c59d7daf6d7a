import { oldestUnpublishedAge } from '@communication-center/event-log';
import { KeptFresh, Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';

/** Knows whether committed events reach the log: a dial that no device would hear of must be refused. */
@Injectable()
export class PublishLag {
  readonly #age: KeptFresh<number>;

  constructor(
    database: Postgres,
    @Inject(Settings) private readonly settings: CallsSettings,
  ) {
    this.#age = new KeptFresh(() => oldestUnpublishedAge(database), { goodForMs: 1000, renewAfterMs: 250 });
  }

  /** @throws ProblemError `service_unavailable` while events wait longer than the limit. */
  async requireSmall(): Promise<void> {
    if ((await this.#age.get()) > this.settings.PUBLISH_LAG_LIMIT_MS) {
      throw new ProblemError('service_unavailable', 'Events cannot be published now, so nobody would ring: try again shortly');
    }
  }
}
