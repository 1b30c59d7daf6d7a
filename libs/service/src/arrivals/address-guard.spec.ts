/*
 * No address that somebody else names leads into the network: judged by its URL when it is saved, and by where its name leads at each
 * connect.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import fc from 'fast-check';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AddressGuard, addressSettings, faultOfWebAddress } from './address-guard.js';
import { isOutside } from './outside.js';

type Looked = ConstructorParameters<typeof AddressGuard>[1];

const schema = z.object(addressSettings);
const production = { PROFILE: 'production' as const, ...schema.parse({}) };
const guardWith = (environment: object, lookUp?: Looked) => new AddressGuard({ ...production, ...schema.parse(environment) }, lookUp);
const resolving =
  (answers: () => string[]): NonNullable<Looked> =>
  (_name, _options, done) =>
    done(
      null,
      answers().map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

const inside = {
  'of this machine': ['127.0.0.1', '127.255.255.254', '::1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1', 'fec0::1'],
  'link-local': ['169.254.0.1', 'fe80::1', 'febf::1'],
  shared: ['100.64.0.1', '100.127.255.255'],
  'of a cloud': ['169.254.169.254', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254', '192.0.0.192'],
  'IPv4-mapped': ['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a00:1', '::ffff:0:127.0.0.1'],
  'IPv4-compatible': ['::127.0.0.1', '::8.8.8.8', '::7f00:1'],
  NAT64: ['64:ff9b::7f00:1', '64:ff9b::808:808', '64:ff9b:1::a00:1'],
  '6to4': ['2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1'],
  Teredo: ['2001::1', '2001:0:5ef5:79fd::1'],
  ISATAP: ['2606:4700::5efe:7f00:1', '2606:4700::200:5efe:a00:1'],
  'of documents and tests': ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1', '3fff::1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  broadcast: ['255.255.255.255', '240.0.0.1'],
  'of nobody': ['100::1', '100:0:0:1::1', '5f00::1', '4000::1', 'fe80::1%eth0', '', 'x', '1.2.3'],
};

describe.each(Object.entries(inside))('an address %s', (_what, addresses) => {
  test.each(addresses)('%s is inside', (address) => expect(isOutside(address)).toBe(false));
});

test.each(['8.8.8.8', '1.1.1.1', '100.63.255.255', '100.128.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])(
  '%s is outside',
  (address) => expect(isOutside(address)).toBe(true),
);

test('no form in which IPv6 holds an address of IPv4 is outside', () => {
  const [low, high] = [fc.nat(0xffff), fc.nat(0xffff)].map((part) => part.map((number) => number.toString(16))) as [
    fc.Arbitrary<string>,
    fc.Arbitrary<string>,
  ];
  const forms = [
    (a: string, b: string) => `::${a}:${b}`,
    (a: string, b: string) => `::ffff:${a}:${b}`,
    (a: string, b: string) => `::ffff:0:${a}:${b}`,
    (a: string, b: string) => `64:ff9b::${a}:${b}`,
    (a: string, b: string) => `64:ff9b:1::${a}:${b}`,
    (a: string, b: string) => `2002:${a}:${b}::1`,
    (a: string, b: string) => `2001:0:${a}:${b}::`,
    (a: string, b: string) => `2606:4700::5efe:${a}:${b}`,
  ];
  fc.assert(
    fc.property(low, high, fc.constantFrom(...forms), (a, b, form) => {
      expect([form(a, b), isOutside(form(a, b))]).toEqual([form(a, b), false]);
    }),
  );
});

describe('a URL that is saved', () => {
  const refused = (url: string, guard = guardWith({})) => {
    try {
      guard.requireUrl('url', url);
      return undefined;
    } catch (error) {
      return (error as { fields: { field: string; message: string }[] }).fields[0];
    }
  };

  test.each([
    'https://example.org/hook',
    'https://example.org:8443/',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://EXAMPLE.org./',
  ])('%s is taken', (url) => expect(refused(url)).toBeUndefined());

  test.each([
    ['http', 'http://example.org/', 'https'],
    ['a script', 'javascript:alert(1)', 'https'],
    ['a document', 'data:text/html,x', 'https'],
    ['a file', 'file:///etc/passwd', 'https'],
    ['another protocol', 'gopher://example.org/', 'https'],
    ['a user', 'https://user@example.org/', 'user'],
    ['a password', 'https://:secret@example.org/', 'user'],
    ['a port of a database', 'https://example.org:5432/', 'port'],
    ['port 0', 'https://example.org:0/', 'port'],
    ['this machine', 'https://127.0.0.1/', 'public'],
    ['this machine in short', 'https://127.1/', 'public'],
    ['this machine in decimal', 'https://2130706433/', 'public'],
    ['this machine in octal', 'https://0177.0.0.1/', 'public'],
    ['this machine in hexadecimal', 'https://0x7f.0x0.0x0.0x1/', 'public'],
    ['this machine in circles', 'https://①②⑦.0.0.1/', 'public'],
    ['this machine with a dot', 'https://127.0.0.1./', 'public'],
    ['this machine by name', 'https://localhost/', 'public'],
    ['this machine by name, in capitals and with a dot', 'https://LOCALHOST./', 'public'],
    ['a name below it', 'https://app.localhost/', 'public'],
    ['a name without a domain', 'https://calls/', 'public'],
    ['a cloud’s metadata by name', 'https://metadata.google.internal/', 'public'],
    ['a neighbour', 'https://printer.local/', 'public'],
    ['IPv4-compatible', 'https://[::127.0.0.1]/', 'public'],
    ['a cloud’s address', 'https://168.63.129.16/', 'public'],
    ['nothing', 'https://', 'URL'],
  ])('to %s is refused by name', (_what, url, why) => {
    expect(refused(url)).toMatchObject({ field: 'url', message: expect.stringContaining(why) });
  });

  test('of http is taken in development, at any port; not without the switch when it is private', () => {
    const guard = new AddressGuard({ ...production, PROFILE: 'development' });
    expect(refused('http://example.org:3000/', guard)).toBeUndefined();
    expect(refused('http://127.0.0.1:3000/', guard)).toBeDefined();
    expect(
      refused('http://127.0.0.1:3000/', new AddressGuard({ ...production, PROFILE: 'development', ALLOW_PRIVATE_ADDRESSES: true })),
    ).toBeUndefined();
  });

  test('to what an installation opens is taken, and nothing beside it', () => {
    const guard = guardWith({ OUTSIDE_ALLOWED: '10.1.0.0/16, hooks.internal, .corp.internal, 192.168.7.7', OUTSIDE_PORTS: '443,9000' });
    for (const url of ['https://10.1.2.3:9000/', 'https://hooks.internal/', 'https://a.corp.internal/', 'https://192.168.7.7/'])
      expect([url, refused(url, guard)]).toEqual([url, undefined]);
    for (const url of [
      'https://10.2.0.1/',
      'https://[::ffff:10.1.2.3]/',
      'https://corp.internal/',
      'https://xhooks.internal/',
      'https://192.168.7.8/',
    ])
      expect([url, refused(url, guard)?.field]).toEqual([url, 'url']);
  });

  test('is judged without another exception, whatever it is', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom('https://', 'http:', '@', ':', '[', ']', '.', '%', '127.0.0.1', '::', '/', '\\', '#', '?', '0x', '\0'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const url = pieces.join('');
        if (refused(url) !== undefined) return;
        const { protocol, hostname, username } = new URL(url);
        // A name such as `..` is no address: nobody has it.
        const bare = hostname.replace(/[[\]]/g, '');
        expect([protocol, username, (isIP(bare) !== 0 || bare.includes('localhost')) && !isOutside(bare)]).toEqual(['https:', '', false]);
      }),
      { numRuns: 2000 },
    );
  });
});

test('settings that open what is no network do not start', () => {
  for (const OUTSIDE_ALLOWED of ['10.0.0.0/99', 'x/8']) expect(schema.safeParse({ OUTSIDE_ALLOWED }).success).toBe(false);
  expect(schema.safeParse({ OUTSIDE_PORTS: '443,x' }).success).toBe(false);
});

test('a picture is of the web, or it is none', () => {
  expect(faultOfWebAddress('https://example.org/me.png', 'production')).toBeUndefined();
  expect(faultOfWebAddress('http://example.org/me.png', 'production')).toBeDefined();
  expect(faultOfWebAddress('http://example.org/me.png', 'development')).toBeUndefined();
  for (const url of ['javascript:alert(1)', 'data:image/png;base64,AA', 'blob:https://x/1', 'https://a:b@x/'])
    expect([url, faultOfWebAddress(url, 'development')]).toEqual([url, expect.any(String)]);
});

describe('a connection', () => {
  let server: Server;
  let asked: string[];
  let agent: Agent;

  beforeEach(async () => {
    asked = [];
    server = createServer((incoming, response) => {
      asked.push(incoming.url ?? '');
      response.writeHead(incoming.url === '/moves' ? 302 : 204, { location: `http://127.0.0.1:${port()}/moved` }).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  afterEach(async () => {
    await agent.destroy();
    server.closeAllConnections();
    server.close();
  });

  const port = () => (server.address() as AddressInfo).port;
  const ask = async (guard: AddressGuard, host: string, path = '/') => {
    agent = new Agent({ connect: guard.connector() });
    return request(`http://${host}:${port()}${path}`, { dispatcher: agent }).then(
      ({ statusCode }) => statusCode,
      ({ code }: { code: string }) => code,
    );
  };

  test.each(['127.0.0.1', '127.1', '2130706433', 'localhost', '[::ffff:127.0.0.1]', '[::127.0.0.1]'])('to %s is not made', async (host) => {
    expect(await ask(guardWith({}), host)).toBe('EACCES');
    expect(asked).toEqual([]);
  });

  test.each([
    ['of this machine', ['127.0.0.1']],
    ['of this machine, in another form', ['::ffff:127.0.0.1']],
    ['without an address', []],
  ])('by a name %s is not made', async (_which, addresses) => {
    expect(
      await ask(
        guardWith(
          {},
          resolving(() => addresses),
        ),
        'rebinding.example',
      ),
    ).toBe('EACCES');
    expect(asked).toEqual([]);
  });

  test('by a name that changes its mind goes where it was judged, or nowhere', async () => {
    let looked = 0;
    // Outside when it is looked up first; of this machine from then on.
    const guard = guardWith(
      { OUTSIDE_ALLOWED: '127.0.0.1' },
      resolving(() => (++looked === 1 ? ['127.0.0.1'] : ['127.0.0.2'])),
    );
    expect(await ask(guard, 'rebinding.example')).toBe(204);
    expect(looked).toBe(1);
    await agent.destroy();
    expect(await ask(guard, 'rebinding.example')).toBe('EACCES');
    expect(asked).toEqual(['/']);
  });

  test('by a name that has both kinds of addresses goes outside alone', async () => {
    const found = await new Promise((resolve) =>
      guardWith(
        {},
        resolving(() => ['10.0.0.1', '8.8.8.8', '::1']),
      ).lookup('both.example', { all: true }, (_error, addresses) => resolve(addresses)),
    );
    expect(found).toEqual([{ address: '8.8.8.8', family: 4 }]);
  });

  test('to a host that an installation opens by name is made', async () => {
    expect(
      await ask(
        guardWith(
          { OUTSIDE_ALLOWED: 'hooks.internal' },
          resolving(() => ['127.0.0.1']),
        ),
        'hooks.internal',
      ),
    ).toBe(204);
  });

  test('follows no redirect', async () => {
    expect(await ask(guardWith({ OUTSIDE_ALLOWED: '127.0.0.1' }), '127.0.0.1', '/moves')).toBe(302);
    expect(asked).toEqual(['/moves']);
  });
});

describe('a connector that was handed in', () => {
  const made: object[] = [];
  const build = ((options: object) => {
    made.push(options);
    return (_wanted: object, callback: (error: null, socket: string) => void) => callback(null, 'a socket');
  }) as never;
  const connect = (hostname: string) =>
    new Promise((resolve) =>
      new AddressGuard(production, systemless, build).connector({ cert: 'c' })(
        { hostname, protocol: 'https:', port: '443' },
        (error, socket) => resolve(error ?? socket),
      ),
    );
  const systemless = resolving(() => []);

  test.each(
    Object.values(inside)
      .flat()
      .filter((address) => isIP(address) !== 0),
  )('is not asked for %s', async (address) => {
    expect(await connect(address.includes(':') ? `[${address}]` : address)).toMatchObject({ code: 'EACCES' });
  });

  test('is asked for what is outside, and has the guard in its look-ups', async () => {
    expect(await connect('8.8.8.8')).toBe('a socket');
    const options = made.at(-1) as { lookup: AddressGuard['lookup']; cert: string };
    expect(options.cert).toBe('c');
    expect(await new Promise((resolve) => options.lookup('inside.example', {}, (error) => resolve(error)))).toMatchObject({
      code: 'EACCES',
    });
  });
});
