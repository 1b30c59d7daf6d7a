/*
 * No message from outside ends the service, whatever it holds and whatever is done with it.
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAnswer } from '../authenticate/digest.js';
import { isPackage } from '../domain/documents.js';
import { TcpFraming } from '../transport/tcp-framing.js';
import { openSomewhere } from '../transport/transport.fixture.js';
import { messageLimits } from './message-bounds.js';
import { type Peer, parseMessage, responseTo, uriIn } from './sip-message.js';

const parse = (text: string) => parseMessage(Buffer.from(text));
const peer: Peer = { transport: 'udp', host: '127.0.0.1', port: 5080 };
/** What a service does with whatever was read, before anybody has signed in. */
function answered(bytes: Buffer): void {
  const message = parseMessage(bytes);
  if (!message || !('request' in message)) return;
  const { request } = message;
  responseTo(request, peer, 401, 'tag', [['WWW-Authenticate', 'Digest realm="demo"']]);
  request.headers('authorization').map(parseAnswer);
  uriIn(request.header('contact'));
  uriIn(request.header('from'));
  isPackage(request.header('event') ?? '');
}

const subscribe = (more: Partial<Record<'target' | 'contact' | 'from' | 'via', string>> = {}) =>
  [
    `SUBSCRIBE ${more.target ?? 'sip:bob@demo'} SIP/2.0`,
    `Via: ${more.via ?? 'SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKabc;rport'}`,
    `From: ${more.from ?? '<sip:phone@demo>;tag=one'}`,
    'To: <sip:bob@demo>',
    'Call-ID: call@phone',
    'CSeq: 1 SUBSCRIBE',
    `Contact: ${more.contact ?? '<sip:phone@127.0.0.1:5080>'}`,
    'Event: presence',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

test.each([
  ['a Contact of *', { contact: '*' }],
  ['an escape that is none', { target: 'sip:%ff@demo' }],
  ['half an escape', { target: 'sip:%@demo' }],
  ['a target that is no URI', { target: '*' }],
  ['a From without a URI', { from: '*' }],
  ['a Via without a host', { via: '*' }],
  ['NUL', { from: '<sip:a\0b@demo>;tag=one' }],
])('%s is read without an exception', (_what, more) => {
  expect(() => answered(Buffer.from(subscribe(more)))).not.toThrow();
});

test('a message with NUL is none', () => {
  expect(parse(subscribe({ target: 'sip:bob\0@demo' }))).toBeUndefined();
});

test('parts of messages in any order and any bytes are read without an exception', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom(
      '\0',
      '*',
      '%ff',
      '%',
      '<',
      '>',
      '"',
      ';tag=',
      '\r\n',
      '\r\n ',
      ':',
      '@',
      ';',
      'sip:',
      '\\',
      '[::1]',
      '99999999999',
      '-1',
    ),
  );
  const mutation = fc.record({ at: fc.nat(420), remove: fc.nat(30), put: piece });
  fc.assert(
    fc.property(
      fc.constantFrom(subscribe(), subscribe().replaceAll('SUBSCRIBE', 'OPTIONS')),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      (text, mutations) => {
        const mutated = mutations.reduce((whole, { at, remove, put }) => whole.slice(0, at) + put + whole.slice(at + remove), text);
        expect(() => answered(Buffer.from(mutated))).not.toThrow();
        try {
          for (const whole of new TcpFraming().take(Buffer.from(mutated))) answered(whole);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', ''])('%j is no event package', (event) => {
  expect(isPackage(event)).toBe(false);
});

const withLine = (line: string) => subscribe().replace('Max-Forwards: 70', line);

test('a folded header field is one line, as it was meant', () => {
  const message = parse(withLine('Authorization: Digest username="a",\r\n  realm="demo",\r\n\tnonce="n"'));
  expect(message && 'request' in message && message.request.header('authorization')).toBe('Digest username="a", realm="demo", nonce="n"');
});

test.each([
  ['too long in all', withLine(`X-Other: ${'a,'.repeat(messageLimits.bytes)}`)],
  ['with a line too long', withLine(`X-Other: ${'a'.repeat(messageLimits.lineBytes)}`)],
  ['with a folded line too long', withLine(`X-Other: ${Array(30).fill('a'.repeat(100)).join('\r\n ')}`)],
  ['with too many lines', withLine(Array(200).fill('X: y').join('\r\n'))],
  ['with a bare line feed', withLine('X-Other: a\nb')],
  ['with a bare carriage return', withLine('X-Other: a\rb')],
  ['with an escape of a terminal', withLine('X-Other: \x1b[2J')],
  ['without an end', subscribe().trimEnd()],
  ['with a sequence number beyond all', subscribe().replace('CSeq: 1', 'CSeq: 4294967296')],
  ['with a call id without an end', subscribe().replace('call@phone', `${'c'.repeat(600)}@phone`)],
  ['of bytes that are no text', Buffer.concat([Buffer.from(withLine('X-Other: ')), Buffer.from([0xc0, 0x80])])],
])('a message %s is none', (_how, message) => {
  expect(parseMessage(Buffer.from(message))).toBeUndefined();
});

const names = [
  'Via',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Contact',
  'Event',
  'Expires',
  'Authorization',
  'Route',
  'Record-Route',
  'Replaces',
  'Refer-To',
  'Subject',
  'm',
  'o',
  'l',
];
const fillings = [
  'a',
  ' ',
  '\t',
  '"',
  '\\"',
  '<',
  '>',
  '<sip:',
  '(',
  '()',
  ',',
  ';a',
  ';a=',
  '=',
  '%41',
  '@',
  ':',
  '.',
  '1',
  '[',
  'a,',
  'a@',
  '<sip:a@b>,',
  '\r\n a',
  'é',
  'SIP/2.0/UDP a,',
  'a=b, ',
];

test('no line that is let through costs more than a hundredth of a second, whichever header field it is and whatever fills it', () => {
  const slow: string[] = [];
  for (const name of names) {
    for (const filling of fillings) {
      const start =
        { Via: 'SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKabc', From: '<sip:a@demo>;tag=one', To: '<sip:bob@demo>' }[name] ?? 'Digest a';
      const line = `${name}: ${start}${filling.repeat((messageLimits.lineBytes - 100) / filling.length)}`;
      const bytes = Buffer.from(
        subscribe()
          .replace(new RegExp(`^${name}: .*$`, 'm'), '')
          .replace('Max-Forwards: 70', () => line)
          .replace('\r\n\r\n', '\r\n'),
      );
      const began = process.cpuUsage();
      for (let n = 0; n < 3; n += 1) answered(bytes);
      const { user } = process.cpuUsage(began);
      if (user > 3 * 10_000) slow.push(`${name} of ${JSON.stringify(filling)}: ${user / 3000} ms`);
    }
  }
  expect(slow).toEqual([]);
});

test('a digest before signing in is read in a time that its length tells, and not beyond a length', () => {
  const began = process.cpuUsage();
  for (const filling of fillings) {
    expect(parseAnswer(`Digest ${filling.repeat(65_536 / filling.length)}`)).toBeUndefined();
    for (let n = 0; n < 20; n += 1) parseAnswer(`Digest a="${filling.repeat(2000 / filling.length)}`);
  }
  expect(process.cpuUsage(began).user).toBeLessThan(500_000);
});

test('a handler that throws, and a peer that cannot be sent to, cost a report and nothing else', async () => {
  const errors: string[] = [];
  const taken: string[] = [];
  const { transport, port } = await openSomewhere({
    onMessage: (bytes) => {
      taken.push(String(bytes));
      throw new Error('of the handler');
    },
    onError: (_error, doing) => errors.push(doing),
  });
  // A port that was taken before one was found may have been told of.
  errors.splice(0);
  const phone = createSocket('udp4');
  try {
    for (const text of ['one', 'two']) phone.send(text, port, '127.0.0.1');
    await expect.poll(() => taken.sort()).toEqual(['one', 'two']);
    const overTcp = connect(port, '127.0.0.1');
    overTcp.write('three\r\n\r\n');
    await expect.poll(() => taken.length).toBe(3);
    // The connection is still there.
    overTcp.write('four\r\n\r\n');
    await expect.poll(() => taken.length).toBe(4);
    overTcp.destroy();
    transport.send('answer', { transport: 'udp', host: '127.0.0.1', port: 0 });
    transport.send('answer', { transport: 'tcp', host: '127.0.0.1', port: 70_000 });
    expect(errors.sort()).toEqual([...Array(2).fill('sending a SIP message'), ...Array(4).fill('taking a SIP message')]);
  } finally {
    phone.close();
    await transport.close();
  }
});
