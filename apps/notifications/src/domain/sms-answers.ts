import type { ReceiptPdu } from './sms-outcome.js';

/** What the owner of a number wishes, as people are told everywhere that they can say it: one of these words, and nothing else (CTIA, Messaging Principles). */
const wishes = new Map<string, 'stop' | 'start'>([
  ...(['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT'] as const).map((word) => [word, 'stop'] as const),
  ...(['START', 'UNSTOP'] as const).map((word) => [word, 'start'] as const),
]);

/** An answer that counts. */
export interface SmsAnswer {
  /** In E.164. */
  number: string;
  wish: 'stop' | 'start';
}

/** What a phone sent, as an SMSC hands it over. */
export interface AnswerPdu extends ReceiptPdu {
  source_addr?: unknown;
  source_addr_ton?: unknown;
}

/** @returns undefined for a receipt, for an answer that says anything else, or from a number that is not told in full (SMPP 3.4 §5.2.5: international). */
export function answerIn({ esm_class, source_addr, source_addr_ton, text }: AnswerPdu): SmsAnswer | undefined {
  if (((Number(esm_class) || 0) & 0x3c) !== 0 || Number(source_addr_ton) !== 1) return undefined;
  const number = `+${String(source_addr ?? '').replace(/^\+/, '')}`;
  const wish = wishes.get(
    text
      .slice(0, 100)
      .replaceAll(/[\s.!"'\0]/g, '')
      .toUpperCase(),
  );
  return wish && /^\+[1-9]\d{6,14}$/.test(number) ? { number, wish } : undefined;
}
