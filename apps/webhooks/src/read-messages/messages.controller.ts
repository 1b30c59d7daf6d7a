import type { Subject } from '@communication-center/contracts';
import {
  type AttemptList,
  type AttemptListQuery,
  attemptListQuerySchema,
  type MessageList,
  type MessageListQuery,
  type MessageView,
  messageListQuerySchema,
} from '@communication-center/contracts/webhook-messages';
import { appOfKey, From, PathParam, Postgres, QueryString } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { listAttempts } from './attempt-list.js';
import { listMessages } from './message-list.js';
import { viewMessage } from './message-view.js';

@Controller('v1')
export class MessagesController {
  constructor(private readonly database: Postgres) {}

  /** The messages of an app, newest first. */
  @Get('webhook-messages')
  async messages(@From() subject: Subject, @QueryString(messageListQuerySchema) query: MessageListQuery): Promise<MessageList> {
    return listMessages(this.database.of('lists'), appOfKey(subject, 'webhooks'), query);
  }

  /** A message with its attempts. */
  @Get('webhook-messages/:messageId')
  async message(@From() subject: Subject, @PathParam('messageId', z.uuid()) messageId: string): Promise<MessageView> {
    return viewMessage(this.database.of('reads'), appOfKey(subject, 'webhooks'), messageId);
  }

  /** The attempts of an app, newest first. */
  @Get('webhook-attempts')
  async attempts(@From() subject: Subject, @QueryString(attemptListQuerySchema) query: AttemptListQuery): Promise<AttemptList> {
    return listAttempts(this.database.of('lists'), appOfKey(subject, 'webhooks'), query);
  }
}
