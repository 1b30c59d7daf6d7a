import type { SendOutcome } from './mail-outcome.js';

/** What SMSCs answer (SMPP 3.4 §5.1.3), as far as it matters what comes next. */
export const smppStatus = {
  ok: 0,
  systemError: 0x08,
  noSuchSource: 0x0a,
  noSuchDestination: 0x0b,
  temporary: 0x64,
  throttled: 0x58,
  queueFull: 0x14,
} as const;

const words = new Map([
  [0x01, 'the length of the message is invalid'],
  [0x04, 'it is not bound'],
  [0x05, 'it is bound already'],
  [0x08, 'it has a fault of its own'],
  [0x0a, 'the sender is invalid'],
  [0x0b, 'the number is invalid'],
  [0x0d, 'it lets nobody in'],
  [0x0e, 'the password is wrong'],
  [0x0f, 'the system id is wrong'],
  [0x14, 'its queue is full'],
  [0x45, 'it could not take the message'],
  [0x58, 'it is asked too much'],
]);
/** Another try may fare better: it is about its load, the connection, or who we are, which may be put right. */
const mayPass = new Set([0x04, 0x05, 0x08, 0x0d, 0x0e, 0x0f, 0x14, 0x45, 0x58, 0x64]);

/** @returns what a status other than 0 comes to. */
export function smppOutcome(status: number): SendOutcome & { outcome: 'refused' | 'later' } {
  const code = `0x${status.toString(16).padStart(2, '0')}`;
  const reason = `SMSC: ${words.get(status) ?? 'it refuses'} (${code})`;
  if (mayPass.has(status)) return { outcome: 'later', reason };
  return { outcome: 'refused', reason, isOfAddress: status === smppStatus.noSuchDestination };
}

/**
 * Codes of Twilio that say a number takes no SMS: it is none (21211), none that can be reached (21214, 21217), no mobile one (21614), or its owner
 * said STOP (21610); and of receipts: nobody has it (30005), or a landline (30006).
 */
const ofNumber = new Set([21211, 21214, 21217, 21610, 21614, 30005, 30006]);
const isOfNumber = (code: number): boolean => ofNumber.has(code);

/** What Twilio answered. */
export interface TwilioAnswer {
  status: number;
  code: number;
  message: string;
  retryAfterMs?: number | undefined;
}

/** @returns what an answer other than 2xx comes to. */
export function twilioOutcome({ status, code, message, retryAfterMs }: TwilioAnswer): SendOutcome & { outcome: 'refused' | 'later' } {
  const said = message.replaceAll(/\s+/g, ' ').slice(0, 200);
  const reason = `Twilio: ${status}${code > 0 ? ` (${code})` : ''} ${said}`.trim();
  const isBusy = status === 429 || status === 408 || status >= 500 || code === 20429;
  if (isBusy) return { outcome: 'later', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  // Who we are may be put right.
  if (status === 401 || status === 403) return { outcome: 'later', reason };
  return { outcome: 'refused', reason, isOfAddress: isOfNumber(code) };
}

/** What a receipt says of an SMS, or of one part of it. */
export interface SmsReceipt {
  state: 'delivered' | 'failed';
  reason: string | null;
  /** Whether nothing sent to the number would arrive. */
  isOfAddress: boolean;
}

/** @returns what Twilio's status of a message comes to; undefined for one that is no end. */
export function twilioReceipt(status: string, errorCode: string): SmsReceipt | undefined {
  if (status === 'delivered') return { state: 'delivered', reason: null, isOfAddress: false };
  if (status !== 'undelivered' && status !== 'failed') return undefined;
  const code = /^\d{1,6}$/.test(errorCode) ? Number(errorCode) : 0;
  return { state: 'failed', reason: `Twilio: ${status}${code > 0 ? ` (${code})` : ''}`, isOfAddress: isOfNumber(code) };
}

/** Of a deliver_sm what tells a receipt. */
export interface ReceiptPdu {
  esm_class?: unknown;
  receipted_message_id?: unknown;
  message_state?: unknown;
  text: string;
}

const states = new Map([
  [2, 'DELIVRD'],
  [3, 'EXPIRED'],
  [4, 'DELETED'],
  [5, 'UNDELIV'],
  [8, 'REJECTD'],
]);

/** What the text of a receipt holds (SMPP 3.4, appendix B). */
const fields = { id: /\bid:([^ ]{1,65})/i, stat: /\bstat:([^ ]{1,65})/i, err: /\berr:([^ ]{1,65})/i };

/**
 * @returns of which message an SMSC tells what (SMPP 3.4 appendix B, and the parameters that say it better where they are there); undefined for what is no
 * receipt, or none of an end.
 */
export function smppReceipt(pdu: ReceiptPdu): { providerId: string; receipt: SmsReceipt } | undefined {
  if (((Number(pdu.esm_class) || 0) & 0x3c) !== 0x04) return undefined;
  const inText = (name: keyof typeof fields) => fields[name].exec(pdu.text)?.[1];
  const named = String(pdu.receipted_message_id ?? '').replaceAll('\0', '');
  const providerId = named || inText('id') || '';
  const state = states.get(Number(pdu.message_state)) ?? inText('stat')?.toUpperCase() ?? '';
  if (providerId === '' || providerId.length > 65 || ![...states.values()].includes(state)) return undefined;
  if (state === 'DELIVRD') return { providerId, receipt: { state: 'delivered', reason: null, isOfAddress: false } };
  const error = inText('err');
  const code = error !== undefined && /^[0-9A-Za-z]{1,5}$/.test(error) ? ` (err ${error})` : '';
  return { providerId, receipt: { state: 'failed', reason: `SMSC: ${state}${code}`, isOfAddress: false } };
}
