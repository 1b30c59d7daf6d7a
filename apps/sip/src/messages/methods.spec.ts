/* Every method is answered as RFC 3261 has it: what is known and not for anybody here, what is not known, and what could be cancelled. */
import { expect, test } from 'vitest';
import { refusalOf } from './methods.js';
import { parseMessage } from './sip-message.js';

test.each([
  ['SUBSCRIBE', undefined],
  ['OPTIONS', undefined],
  ['REGISTER', 405],
  ['INVITE', 405],
  ['PUBLISH', 405],
  ['CANCEL', 481],
  ['DANCE', 501],
  ['constructor', 501],
])('%s: %s', (method, status) => {
  expect(refusalOf(method)).toBe(status);
});

const register = (contact: string) =>
  [
    'REGISTER sip:demo SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKabc;rport',
    'From: <sip:phone@demo>;tag=one',
    'To: <sip:phone@demo>',
    'Call-ID: call@phone',
    'CSeq: 1 REGISTER',
    contact,
    'Expires: 0',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

test.each(['Contact: *', 'm:*', 'contact : *', 'Contact: <sip:phone@127.0.0.1>'])(
  'a REGISTER with %s is read, to be answered',
  (contact) => {
    const message = parseMessage(Buffer.from(register(contact)));
    expect(message && 'request' in message && [message.request.method, message.request.header('expires')]).toEqual(['REGISTER', '0']);
  },
);
