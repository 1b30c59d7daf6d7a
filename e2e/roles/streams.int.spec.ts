/*
 * Every stream of the registry, opened by everybody there is: keys of each scope, a user, the operator, a user and a key of another app,
 * whoever holds a credential that is expired, revoked or no one's, and nobody. Whom it is for is what the API document says; another app
 * hears of what it names as of what does not exist. A stream that is added and has no line here fails. What phone systems follow is no
 * stream of the registry, and is tried beside them.
 */
import { readFileSync } from 'node:fs';
import type { SipAccountView } from '@communication-center/contracts';
import { services } from '@communication-center/contracts/services';
import { challengeIn, digestLine, eventually, Fleet, SipLine } from '@communication-center/testing';
import { beforeAll, expect, test } from 'vitest';
import { type Askers, makeAskers, scopes, withoutNames } from './askers.js';

interface Line {
  /** The path, of an app and of somebody in it. */
  of: (named: { appId: string; userAlias: string }) => string;
  /** Whether another app's credentials are refused: else they open a stream of their own app, in which nothing of this one is told. */
  namesApp: boolean;
  /** Whether it is for keys alone. */
  ofKeys?: boolean;
}

const streams: Record<string, Line> = {
  '/v1/apps/{appId}/audit/stream': { of: ({ appId }) => `/v1/apps/${appId}/audit/stream`, namesApp: true },
  '/v1/audit/stream': { of: () => '/v1/audit/stream', namesApp: true },
  '/v1/events': { of: () => '/v1/events', namesApp: false, ofKeys: true },
  '/v1/events/consumers/{name}/events': { of: () => '/v1/events/consumers/one/events', namesApp: false, ofKeys: true },
  '/v1/events/stream': { of: () => '/v1/events/stream', namesApp: false, ofKeys: true },
  '/v1/presence/stream': { of: ({ userAlias }) => `/v1/presence/stream?userAlias=${userAlias}`, namesApp: false },
};

const document = JSON.parse(readFileSync(new URL('../../docs/protocol/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, { get?: { 'x-for': string[] } }>;
};
const fleet = new Fleet();
let askers: Askers;

beforeAll(async () => {
  askers = await makeAskers(fleet);
  // Events are kept where somebody reads them.
  for (const { key } of [askers.mine, askers.theirs]) await fleet.rest('PUT', '/v1/events/consumers/one', key, {});
});

const hers = () => ({ appId: askers.mine.appId, userAlias: 'rita-of-mine' });
const nothing = { appId: 'no-such-app', userAlias: 'nobody-at-all' };

/** Opens a stream. @returns its status, and what it tells: a problem, or all it says until it has said that it is up to date. */
async function opened(path: string, credential: string | undefined): Promise<{ status: number; told: string }> {
  const stop = new AbortController();
  const response = await fetch(new URL(path, fleet.url), {
    headers: { ...(credential !== undefined && { authorization: `Bearer ${credential}` }) },
    signal: stop.signal,
  });
  if (!response.ok) return { status: response.status, told: withoutNames(await response.json(), [nothing.appId, hers().appId]) };
  const reading = (response.body as ReadableStream<Uint8Array>).getReader();
  let told = '';
  // The others are silent as long as nothing is done.
  while (path.includes('presence') && !told.includes('event: ready')) told += new TextDecoder().decode((await reading.read()).value);
  stop.abort();
  return { status: response.status, told };
}

test('every stream of the registry has a line here', () => {
  const long = services.flatMap(({ resources }) => resources.filter(({ kind }) => kind === 'stream' || kind === 'socket'));
  expect(long.map(({ path }) => path).sort()).toEqual(Object.keys(streams).sort());
  // And every one of the API document is in the registry as one.
  const described = Object.keys(document.paths).filter((path) => path.endsWith('/stream'));
  expect(described.filter((path) => !(path in streams))).toEqual([]);
});

test.each(Object.keys(streams))('%s is opened by those it is for, and by nobody else', async (path) => {
  const by = document.paths[path]?.get?.['x-for'] ?? [];
  expect(by.length).toBeGreaterThan(0);
  const { operatorKey } = fleet.state.secrets;
  const credentials: Record<string, string> = { ...askers.keys, user: askers.tokens.rita, operator: operatorKey };
  for (const [asker, credential] of Object.entries(credentials)) {
    // An admin's key may what any other key may.
    const isFor = by.includes(asker) || (asker === 'admin' && by.some((one) => scopes.some((scope) => scope === one)));
    const { status } = await opened(streams[path]?.of(hers()) ?? '', credential);
    expect(status, `${path} as ${asker}`).toBe(isFor ? 200 : 403);
  }
  expect((await opened(streams[path]?.of(hers()) ?? '', undefined)).status).toBe(401);
});

const nobodys = ['a token that has expired', 'a token that was revoked', 'a token that no secret signed', 'what is no credential'];

test.each(Object.keys(streams))('%s is opened by no credential that is expired, revoked or made up', async (path) => {
  for (const what of nobodys) {
    const { status } = await opened(streams[path]?.of(hers()) ?? '', askers.bad[what]?.token);
    expect(status, `${path} with ${what}`).toBe(401);
  }
});

test.each(Object.keys(streams))('%s tells another app what it would tell of what does not exist', async (path) => {
  const line = streams[path] as Line;
  for (const [who, credential] of [
    ['a user', askers.tokens.mallory],
    ['a key', askers.theirs.key],
  ] as const) {
    const [ofMine, ofNothing] = [await opened(line.of(hers()), credential), await opened(line.of(nothing), credential)];
    expect(ofMine.status, `${path} as ${who} of another app`).toBe(line.namesApp || (line.ofKeys && who === 'a user') ? 403 : 200);
    const withoutPlace = ({ status, told }: typeof ofMine) => ({ status, told: told.replace(/^id: .*$/gm, 'id: …') });
    expect(withoutPlace(ofMine)).toEqual(withoutPlace(ofNothing));
  }
});

test('somebody of another app is followed by no phone system: its account opens its own app alone, in which nobody is called so', async () => {
  const account = async (appId: string, key: string) =>
    (await fleet.rest<SipAccountView>('PUT', `/v1/apps/${appId}/sip-accounts/desk`, key)).body.password ?? '';
  const passwords = {
    mine: await account(askers.mine.appId, askers.mine.key),
    theirs: await account(askers.theirs.appId, askers.theirs.key),
  };
  const line = await SipLine.overUdp(fleet.state.ports.sip ?? 0);
  let cseq = 0;
  const subscribe = async (userAlias: string, realm: string, password: string) => {
    const uri = `sip:${userAlias}@${realm}`;
    const more = ['Contact: <sip:desk@127.0.0.1:5999>', 'Event: presence', 'Expires: 600'];
    const asking = () => ({ method: 'SUBSCRIBE', uri, cseq: ++cseq, callId: `of-${userAlias}-${cseq}`, more });
    const { nonce } = challengeIn(await line.ask(asking()));
    const shown = digestLine({ username: 'desk', password, realm }, { method: 'SUBSCRIBE', uri, nonce });
    const answer = await line.ask({ ...asking(), more: [...more, shown] });
    return Number(/^SIP\/2\.0 (\d+)/.exec(answer)?.[1]);
  };
  const { mine, theirs } = askers;
  await eventually('mallory being known', async () => (await fleet.rest('GET', '/v1/presence/mallory', theirs.key)).status === 200);
  expect(await subscribe('rita-of-mine', mine.appId, passwords.mine)).toBe(200);
  expect(await subscribe('mallory', theirs.appId, passwords.theirs)).toBe(200);
  // Shown to the app that she is in, another's password is wrong; in its own app there is no such person.
  for (const name of ['rita-of-mine', 'nobody-at-all']) {
    expect([name, await subscribe(name, mine.appId, passwords.theirs)]).toEqual([name, 401]);
    expect([name, await subscribe(name, theirs.appId, passwords.theirs)]).toEqual([name, 404]);
  }
  line.close();
});
