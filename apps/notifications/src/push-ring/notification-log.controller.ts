import { type NotificationLog, notificationLogBodySchema, type Subject } from '@communication-center/contracts';
import { appOfKey, From, NeededBody } from '@communication-center/service';
import { Controller, Get, Put } from '@nestjs/common';
import { NotificationLogStore } from './notification-log.js';

/** Apps say whether the pushes of rings are told as events: most do not read them, and pay nothing. */
@Controller('v1/notifications/log')
export class NotificationLogController {
  constructor(private readonly logs: NotificationLogStore) {}

  @Get()
  read(@From() subject: Subject): Promise<NotificationLog> {
    return this.logs.read(appOfKey(subject, 'notifications'));
  }

  @Put()
  save(@From() subject: Subject, @NeededBody(notificationLogBodySchema) body: NotificationLog): Promise<NotificationLog> {
    return this.logs.save(appOfKey(subject, 'notifications'), body);
  }
}
