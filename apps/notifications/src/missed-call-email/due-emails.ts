import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { RowsInTurn } from '@communication-center/service';

export interface DueEmail {
  emailId: string;
  /** Attempts that were made. */
  made: number;
}

/** E-mails that wait for attempts. One has a job of its own as a rule, which gets a moment to be first. */
export const waitingEmails = new RowsInTurn({
  table: 'emails',
  id: 'email_id',
  turn: 'app_id',
  first: '',
  turnsAtOnce: 200,
  rowsAtOnce: 500,
  graceSeconds: 2,
});

/**
 * Finds e-mails whose time has passed, a few of each app: an app with thousands of them holds up nobody else's.
 * @param after where the round stands; the empty string at its beginning. @returns the oldest of each app, and where it stands now.
 */
export async function findDueEmails(sql: Sql, after: AppId | ''): Promise<{ due: DueEmail[]; next: AppId | '' }> {
  const { due, next } = await waitingEmails.due(sql, after);
  return { due: due.map(({ rowId, made }) => ({ emailId: rowId, made })), next: next as AppId | '' };
}
