export interface MissedCall {
  calleeName: string;
  callerName: string;
  missedAt: Date;
  /** BCP 47; English dates where it is unknown. */
  locale: string | null;
}

/** Writes the e-mail of a missed call. */
export function missedCallText({ calleeName, callerName, missedAt, locale }: MissedCall): { subject: string; text: string } {
  const when = new Intl.DateTimeFormat(locale ?? 'en', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(missedAt);
  return {
    subject: `Missed call from ${oneLine(callerName)}`,
    text: `Hello ${oneLine(calleeName)},\n\n${oneLine(callerName)} called you on ${when} (UTC), and you were not online.\n`,
  };
}

/** Names come from users: one that holds a line break must not make a header or a line of its own. */
function oneLine(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
