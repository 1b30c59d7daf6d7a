import { oldestUnpublishedAge } from '@communication-center/event-log';
import { Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';

const freshMs = 250;

/** Knows whether committed events reach the log: a dial that no device would hear of must be refused. */
@Injectable()
export class PublishLag {
  #readAt = 0;
  #age = 0;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) private readonly settings: CallsSettings,
  ) {}

  /** @throws ProblemError `service_unavailable` while events wait longer than the limit. */
  async requireSmall(): Promise<void> {
    if (Date.now() - this.#readAt > freshMs) {
      this.#age = await oldestUnpublishedAge(this.database);
      this.#readAt = Date.now();
    }
    if (this.#age > this.settings.PUBLISH_LAG_LIMIT_MS) {
      throw new ProblemError('service_unavailable', 'Events cannot be published now, so nobody would ring: try again shortly');
    }
  }
}
