/*
 * What an SMSC or Twilio says: asked again where another try may fare better, ended for good where it would not, and no number tried again that is dead.
 */
import { expect, test } from 'vitest';
import { mailOutcome } from './mail-outcome.js';
import { smppOutcome, smppReceipt, twilioOutcome, twilioReceipt } from './sms-outcome.js';

test('an SMSC that is asked too much, or of another mind about who we are, is asked again; of a number it does not know never', () => {
  for (const status of [0x58, 0x14, 0x08, 0x0e, 0x05]) expect(smppOutcome(status)).toMatchObject({ outcome: 'later' });
  expect(smppOutcome(0x0b)).toMatchObject({ outcome: 'refused', isOfAddress: true, reason: 'SMSC: the number is invalid (0x0b)' });
  expect(smppOutcome(0x0a)).toMatchObject({ outcome: 'refused', isOfAddress: false });
  expect(smppOutcome(0x411)).toMatchObject({ outcome: 'refused', reason: 'SMSC: it refuses (0x411)' });
});

test('Twilio is asked again when it says so, or fails; a dead number ends with its code, and so does one whose owner said STOP', () => {
  const said = (status: number, code = 0, retryAfterMs?: number) => twilioOutcome({ status, code, message: 'm', retryAfterMs });
  expect(said(429, 20429, 3000)).toEqual({ outcome: 'later', reason: 'Twilio: 429 (20429) m', retryAfterMs: 3000 });
  for (const status of [500, 503, 401, 408]) expect(said(status)).toMatchObject({ outcome: 'later' });
  for (const code of [21211, 21610, 21614]) expect(said(400, code)).toMatchObject({ outcome: 'refused', isOfAddress: true });
  expect(said(400, 21606)).toMatchObject({ outcome: 'refused', isOfAddress: false });
});

test('a receipt is read from its parameters, or from its text as appendix B of SMPP has it', () => {
  const text = 'id:7F3A sub:001 dlvrd:000 submit date:2611281000 done date:2611281001 stat:UNDELIV err:011 text:id:9 stat:DELIVRD';
  expect(smppReceipt({ esm_class: 4, text })).toEqual({
    providerId: '7F3A',
    receipt: { state: 'failed', reason: 'SMSC: UNDELIV (err 011)', isOfAddress: false },
  });
  const told = { esm_class: 4, text: '', receipted_message_id: 'abc\0', message_state: 2 };
  expect(smppReceipt(told)).toMatchObject({ providerId: 'abc', receipt: { state: 'delivered' } });
  for (const no of [
    { ...told, message_state: 1 },
    { ...told, esm_class: 0 },
    { esm_class: 4, text: 'hello' },
  ])
    expect(smppReceipt(no)).toBeUndefined();
});

test('of what Twilio tells only ends count', () => {
  for (const status of ['queued', 'sending', 'sent', 'read', '']) expect(twilioReceipt(status, '')).toBeUndefined();
  expect(twilioReceipt('delivered', '')).toMatchObject({ state: 'delivered' });
  expect(twilioReceipt('undelivered', '30005')).toEqual({ state: 'failed', reason: 'Twilio: undelivered (30005)', isOfAddress: true });
  expect(twilioReceipt('failed', 'x'.repeat(10))).toMatchObject({ reason: 'Twilio: failed' });
});

test.each([550, 551, 552, 553, 554, 556])('what a mail server refuses with %i at RCPT is not tried again', (status) => {
  const outcome = mailOutcome({ status, command: 'RCPT TO', code: 'EENVELOPE', message: `${status} no` });
  expect(outcome).toMatchObject({ outcome: 'refused', isOfAddress: ![552, 554].includes(status) });
  expect(mailOutcome({ status: 451, command: 'RCPT TO', code: 'EENVELOPE', message: 'later' })).toMatchObject({ outcome: 'later' });
});
