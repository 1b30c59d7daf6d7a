/*
 * What of a text one SMS holds (3GPP TS 23.038, 23.040): 140 octets, of which a part of several leaves six to the header that says which it is.
 */

const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Each of these takes two places. */
const extended = '^{}\\[~]|€';
const places = new Map([...[...basic].map((one) => [one, 1] as const), ...[...extended].map((one) => [one, 2] as const)]);

type SmsAlphabet = 'gsm7' | 'ucs2';
const room = { gsm7: { alone: 160, part: 153 }, ucs2: { alone: 70, part: 67 } } as const;
/** More of them, and somebody pays for a letter. */
export const mostParts = 10;

export interface SmsText {
  alphabet: SmsAlphabet;
  parts: string[];
}

/** @returns the text in the parts in which it goes, none of which ends within a character; undefined for more than {@link mostParts}. */
export function partsOfSms(text: string): SmsText | undefined {
  const clean = text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\P{Cc}\n]/gu, ' ')
    .trim();
  const characters = [...clean];
  const alphabet: SmsAlphabet = characters.every((one) => places.has(one)) ? 'gsm7' : 'ucs2';
  const sizeOf = (one: string) => (alphabet === 'gsm7' ? (places.get(one) ?? 1) : one.length);
  const { alone, part: ofPart } = room[alphabet];
  if (characters.reduce((sum, one) => sum + sizeOf(one), 0) <= alone) return { alphabet, parts: [clean] };
  const parts: string[] = [];
  let [part, size] = ['', 0];
  for (const one of characters) {
    if (size + sizeOf(one) > ofPart) {
      parts.push(part);
      [part, size] = ['', 0];
    }
    part += one;
    size += sizeOf(one);
  }
  parts.push(part);
  return parts.length > mostParts ? undefined : { alphabet, parts };
}

/**
 * @param reference the same for all parts of one text, and for a repeat of it: a phone that has a part drops it.
 * @returns the header of a part (3GPP TS 23.040 §9.2.3.24.1); undefined for the only one.
 */
export function partHeader(reference: number, count: number, index: number): Buffer | undefined {
  return count === 1 ? undefined : Buffer.from([5, 0, 3, reference & 0xff, count, index + 1]);
}

/** How an SMSC is told what kind of address one is (SMPP 3.4 §5.2.5 and §5.2.6). */
export function addressOf(sender: string): { ton: number; npi: number; address: string } {
  if (/^\+\d+$/.test(sender)) return { ton: 1, npi: 1, address: sender.slice(1) };
  if (/^\d{3,6}$/.test(sender)) return { ton: 3, npi: 0, address: sender };
  return /^\d+$/.test(sender) ? { ton: 1, npi: 1, address: sender } : { ton: 5, npi: 0, address: sender };
}
