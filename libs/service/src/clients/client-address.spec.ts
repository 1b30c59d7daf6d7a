/* Nobody passes for another address, and nobody has more of them than a customer has. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asNetwork, countedAs, TrustedProxies } from './client-address.js';

const proxies = new TrustedProxies(['10.0.0.0/8', '2001:db8:1::/48', '192.0.2.7']);

test.each([
  ['nobody says so', '10.0.0.1', undefined, '10.0.0.1'],
  ['a stranger says it is another', '203.0.113.5', '198.51.100.1', '203.0.113.5'],
  ['a proxy says for whom it asks', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['proxies stand in a row', '10.0.0.1', '198.51.100.1, 192.0.2.7, 10.9.9.9', '198.51.100.1'],
  ['a client writes an address before the proxy writes his', '10.0.0.1', '1.2.3.4, 198.51.100.1', '198.51.100.1'],
  ['a client says to be a proxy', '10.0.0.1', '1.2.3.4, 198.51.100.1, 10.0.0.3', '198.51.100.1'],
  ['a proxy asks for itself', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ['what it says is no address', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['no address stands in the row', '10.0.0.1', '1.2.3.4, unknown, 10.0.0.2', '10.0.0.2'],
  ['it says the port, too', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
  ['it says the port of an address of IPv6', '10.0.0.1', '[2001:db8:2::9]:4711', '2001:db8:2::9'],
  ['the door hears of IPv4 in IPv6', '::ffff:10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
  ['the proxy has an address of IPv6', '2001:db8:1::5', '198.51.100.1', '198.51.100.1'],
  ['octal forms are written', '10.0.0.1', '0177.0.0.1', '10.0.0.1'],
  ['there is nothing in it', '10.0.0.1', ', ,', '10.0.0.1'],
])('where %s', (_what, peer, forwarded, client) => {
  expect(proxies.clientOf(peer, forwarded)).toBe(client);
});

test('where no proxy is trusted nothing that is forwarded counts', () => {
  expect(new TrustedProxies([]).clientOf('127.0.0.1', '198.51.100.1')).toBe('127.0.0.1');
});

test('whatever a client writes before what a proxy adds, the client is who the proxy says', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (written) => {
      expect(proxies.clientOf('10.0.0.1', `${written}, 198.51.100.1`)).toBe('198.51.100.1');
      expect(proxies.clientOf('203.0.113.5', written)).toBe('203.0.113.5');
    }),
  );
});

test('a row without an end is not read to its end', () => {
  const began = process.cpuUsage();
  for (let n = 0; n < 100; n += 1) proxies.clientOf('10.0.0.1', '10.0.0.2,'.repeat(1600));
  expect(process.cpuUsage(began).user).toBeLessThan(500_000);
});

test('IPv6 is counted by its network of 64 bits, IPv4 by itself, in whatever form it comes', () => {
  expect(countedAs('2001:db8:2:3:4:5:6:7')).toBe(countedAs('2001:db8:2:3::1'));
  expect(countedAs('2001:db8:2:3::1')).not.toBe(countedAs('2001:db8:2:4::1'));
  expect(['::ffff:1.2.3.4', '1.2.3.4'].map(countedAs)).toEqual(['1.2.3.4', '1.2.3.4']);
  expect(countedAs('')).toBe('');
});

test.each(['10.0.0.0/33', '10.0.0/8', '10.0.0.1/', 'door.example', '::/129', '1.2.3.4/8/8', ''])('%j is no network', (text) => {
  expect(() => asNetwork(text)).toThrow('is no address');
});
