import type { Subject } from '@communication-center/contracts';
import { type EventTypeList, type EventTypeView, eventTypeList } from '@communication-center/contracts/event-types';
import { appOfKey, From, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';

/** Says what endpoints may be told of: it is the same for every app. */
@Controller('v1/event-types')
export class EventTypesController {
  #all: EventTypeList | undefined;

  @Get()
  list(@From() subject: Subject): EventTypeList {
    appOfKey(subject, 'webhooks');
    this.#all ??= eventTypeList();
    return this.#all;
  }

  @Get(':type')
  read(
    @From() subject: Subject,
    @PathParam(
      'type',
      z
        .string()
        .max(64)
        .regex(/^[a-z_]+\.[a-z_]+$/),
    )
    type: string,
  ): EventTypeView {
    const found = this.list(subject).eventTypes.find((one) => one.type === type);
    if (!found) throw new ProblemError('not_found', 'No such event type');
    return found;
  }
}
