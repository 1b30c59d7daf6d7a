import { isUtf8 } from 'node:buffer';
import { jsonFault, jsonFaultMessage } from '@communication-center/contracts';

/**
 * Judges the bytes of JSON before anything makes a string or a value of them: the one rule of every door.
 * @returns what is wrong with them, as a sentence for whoever sent them; undefined for what a parser may have.
 */
export function faultOfJson(bytes: Buffer): string | undefined {
  // Decoding would put U+FFFD in the place of what is no text, and so make one name of many.
  if (!isUtf8(bytes)) return 'not_utf8: send JSON in well-formed UTF-8, without overlong forms and surrogates';
  const fault = jsonFault(bytes);
  return fault && jsonFaultMessage(fault);
}
