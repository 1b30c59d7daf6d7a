import { type AppId, enveloped, type NotificationEvent } from '@communication-center/contracts';
import { type Sql, type WrittenRow, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent } from '@communication-center/service';
import { v7 as uuidv7 } from 'uuid';

type Told<E> = E extends NotificationEvent ? Pick<E, 'type' | 'data'> : never;
/** What happened to a notification. */
export type Happened = Told<NotificationEvent> & {
  appId: AppId;
  at: Date;
  /** Its place among the events of the notification, from 1. */
  sequence: number;
};

/** Puts what happened into the outbox, in the transaction that makes it true. @returns what to tell the relay of after the commit. */
export async function publish(tx: Sql, all: readonly Happened[]): Promise<WrittenRow[]> {
  const entries = all.map(({ type, appId, at, sequence, data }) => {
    const subject = data.notificationId;
    const origin = { id: uuidv7(), source: '/notifications', at, subject, appId, sequence, traceparent: currentTraceparent() };
    return { topic: 'notifications.events' as const, key: subject, event: enveloped({ type, data }, origin) as NotificationEvent };
  });
  return writeOutbox(tx, entries);
}
