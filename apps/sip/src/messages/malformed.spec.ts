/*
 * No message from outside ends the service, whatever it holds and whatever is done with it.
 */
import { createSocket } from 'node:dgram';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SipTransport } from '../transport/sip-transport.js';
import { TcpFraming } from '../transport/tcp-framing.js';
import { parseMessage } from './sip-message.js';

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
  expect(() => parseMessage(subscribe(more))).not.toThrow();
});

test('a message with NUL is none', () => {
  expect(parseMessage(subscribe({ target: 'sip:bob\0@demo' }))).toBeUndefined();
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
        expect(() => parseMessage(mutated)).not.toThrow();
        try {
          for (const whole of new TcpFraming().take(Buffer.from(mutated))) parseMessage(whole);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

/** Opens where both UDP and TCP have the same port free. */
async function openSomewhere(
  options: Omit<ConstructorParameters<typeof SipTransport>[0], 'port'>,
): Promise<{ transport: SipTransport; port: number }> {
  for (let tries = 1; ; tries += 1) {
    const port = await new Promise<number>((resolve) => {
      const probe = createSocket('udp4').bind(0, '127.0.0.1', () => {
        const { port } = probe.address();
        probe.close(() => resolve(port));
      });
    });
    const transport = new SipTransport({ ...options, port });
    try {
      await transport.open();
      return { transport, port };
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

test('a handler that throws, and a peer that cannot be sent to, cost a report and nothing else', async () => {
  const errors: string[] = [];
  const taken: string[] = [];
  const { transport, port } = await openSomewhere({
    host: '127.0.0.1',
    maxConnections: 10,
    onMessage: (text) => {
      taken.push(text);
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
    transport.send('answer', { transport: 'udp', host: '127.0.0.1', port: 0 });
    transport.send('answer', { transport: 'tcp', host: '127.0.0.1', port: 70_000 });
    expect(errors.sort()).toEqual(['sending a SIP message', 'sending a SIP message', 'taking a SIP message', 'taking a SIP message']);
  } finally {
    phone.close();
    await transport.close();
  }
});
