import type { Subject } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { ActsOnRecord, From, InquiryOf, Postgres, Serves } from '@communication-center/service';
import { Controller } from '@nestjs/common';
import { putOnRecord, theCenter } from './audit.js';

type Noted = Inquiry<typeof internal.noteAct>;

/** Keeps on record what operators have services do, this one among them: each tells it before it does it. */
@Controller()
export class ActsOnRecordController {
  constructor(
    private readonly database: Postgres,
    acts: ActsOnRecord,
  ) {
    acts.keepHere((entry) => this.#keep('directory', entry));
  }

  @Serves(internal.noteAct)
  async note(@InquiryOf(internal.noteAct) { body }: Noted, @From() subject?: Subject): Promise<{ entryId: string }> {
    await this.#keep(subject?.kind === 'service' ? subject.service : 'unknown', body);
    return { entryId: body.entryId };
  }

  /** @param service which told it, by its own key: it says what it likes of nobody but itself. */
  async #keep(service: string, { entryId, appId = theCenter, actor, act, target }: Noted['body']): Promise<void> {
    await this.database.transaction((tx) => putOnRecord(tx, appId, { actor, act, target: `${service}: ${target}` }, entryId));
  }
}
