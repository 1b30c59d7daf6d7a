import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { InquiryOf, Postgres, Serves } from '@communication-center/service';
import { Controller } from '@nestjs/common';
import { ended } from './ends.js';

/** Tells every door, each second, what lets nobody in any more. */
@Controller()
export class EndsController {
  constructor(private readonly database: Postgres) {}

  @Serves(internal.ended)
  async ended(@InquiryOf(internal.ended) { query }: Inquiry<typeof internal.ended>) {
    return ended(this.database, query);
  }
}
