/** The event packages' own and what asks for them; other methods of SIP are known, and not for anybody here. */
const taken: readonly string[] = ['SUBSCRIBE', 'OPTIONS'];
const known: readonly string[] = ['INVITE', 'BYE', 'REGISTER', 'PRACK', 'INFO', 'UPDATE', 'REFER', 'MESSAGE', 'PUBLISH', 'NOTIFY'];

/** The value of `Allow`. */
export const allowed = [...taken].join(', ');

/**
 * @returns with which status a method is refused; undefined for one that is taken. There is no registrar here, and nobody is called over
 * SIP: a phone that registers is told so (405 with `Allow`, RFC 3261 §21.4.6), at once and whatever its Contact is, instead of being let
 * believe that it could be reached.
 */
export function refusalOf(method: string): 405 | 481 | 501 | undefined {
  if (taken.includes(method)) return undefined;
  // There is nothing that could be cancelled (§9.2).
  if (method === 'CANCEL') return 481;
  return known.includes(method) ? 405 : 501;
}
