/** What became of handing a message over. */
export type SendOutcome =
  /** By which ids its parts are known where it went, if what becomes of each is told by these. */
  | { outcome: 'accepted'; providerIds?: readonly string[] }
  /** Asking again would bring the same answer; of the address, where nothing sent there would be taken. */
  | { outcome: 'refused'; reason: string; isOfAddress: boolean }
  /** Another try may fare better. */
  | { outcome: 'later'; reason: string; retryAfterMs?: number };

/** What the client of a mail server says went wrong. */
export interface MailFault {
  /** Of the server's answer (RFC 5321 §4.2.1); 0 where none came. */
  status: number;
  /** In answer to what, such as `RCPT TO`. */
  command: string;
  code: string;
  message: string;
}

/** That a mailbox is not there, is another one, or takes nothing from anybody (RFC 5321 §4.2.3, RFC 7504). */
const ofAddress = new Set([550, 551, 553, 556]);

/** @returns what a fault comes to: servers say 5xx to what they will say it to again, unless it is about who we are, which may be put right. */
export function mailOutcome({ status, command, code, message }: MailFault): SendOutcome {
  const reason = message.replaceAll(/\s+/g, ' ').slice(0, 300);
  // The guard of addresses: the host leads where nothing may be sent.
  if (code === 'EACCES') return { outcome: 'refused', reason, isOfAddress: false };
  if (code === 'EAUTH' || command.startsWith('AUTH')) return { outcome: 'later', reason };
  if (status < 500) return { outcome: 'later', reason };
  return { outcome: 'refused', reason, isOfAddress: command === 'RCPT TO' && ofAddress.has(status) };
}
