/*
 * What is read over REST is typed, whatever comes back; and the stream of presence, however its bytes are cut and wherever it
 * breaks, tells each version once and goes on where it was.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Rest } from './rest.js';

let fetched: ReturnType<typeof vi.fn<(url: URL, init: RequestInit) => Promise<Response>>>;

beforeEach(() => {
  vi.useFakeTimers();
  fetched = vi.fn();
  vi.stubGlobal('fetch', fetched);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

let tokens = 0;
const rest = () => new Rest('https://center.example.com', async () => `token-${++tokens}`);
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const problem = (code: string, status: number) => ({ type: 'about:blank', title: code, status, code, detail: `${code}!` });
const presence = (userAlias: string, version: number) => ({
  userAlias,
  version,
  status: 'online',
  doNotDisturb: false,
  devices: [],
  calls: [],
  lastSeenAt: null,
});

test('what is asked for is named in the address, with a token that is good now', async () => {
  fetched.mockImplementation(async () => json({}, 404));
  await rest()
    .presence('ann/of the "north"')
    .catch(() => undefined);
  await rest()
    .calls({ outcome: 'missed', cursor: undefined, limit: 5 } as never)
    .catch(() => undefined);
  const asked = fetched.mock.calls.map(([url, init]) => [url.href, (init.headers as Record<string, string>).authorization]);
  expect(asked).toEqual([
    ['https://center.example.com/v1/presence/ann%2Fof%20the%20%22north%22', `Bearer token-${tokens - 1}`],
    ['https://center.example.com/v1/calls?outcome=missed&limit=5', `Bearer token-${tokens}`],
  ]);
});

test.each([
  ['a problem', async () => json(problem('call_not_found', 404), 404), 'call_not_found'],
  ['a problem with a code of a later release', async () => json(problem('on_the_moon', 418), 418), 'on_the_moon'],
  ['a proxy that says it its own way', async () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 'internal_error'],
  ['an answer that is not JSON', async () => new Response('hello'), 'internal_error'],
  ['an answer in another shape', async () => json({ call: 'yes' }), 'internal_error'],
  ['no connection', async () => Promise.reject(new TypeError('fetch failed')), 'service_unavailable'],
])('%s is told by a code', async (_what, answer, code) => {
  fetched.mockImplementation(answer);
  await expect(rest().call('019b7777-0000-7000-8000-000000000001')).rejects.toMatchObject({ name: 'CenterError', code });
});

const encoder = new TextEncoder();
const eventOf = (id: string, body: object, type = 'presence') => `event: ${type}\nid: ${id}\ndata: ${JSON.stringify(body)}\n\n`;

/** A body of these bytes, cut where the test says, that ends or breaks after them. */
function streaming(text: string, cuts: number[] = [], breaks = false): Response {
  const bytes = encoder.encode(text);
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((one, other) => one - other);
  const parts = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
  return new Response(
    new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part) controller.enqueue(part);
        else if (breaks) controller.error(new Error('reset'));
        else controller.close();
      },
    }),
  );
}

/** Follows the stream through these answers, one a connection. @returns what was told, and where each was taken up. */
async function followed(...answers: (Response | Error)[]) {
  const told: string[] = [];
  const from: (string | undefined)[] = [];
  const end = new AbortController();
  fetched.mockReset();
  fetched.mockImplementation(async (_url, init) => {
    from.push((init.headers as Record<string, string>)['last-event-id']);
    const answer = answers.shift();
    if (!answer) end.abort();
    if (answer instanceof Response) return answer;
    throw answer ?? new Error('enough');
  });
  let isOver = false;
  const following = rest()
    .followPresence(({ userAlias, version }) => told.push(`${userAlias} ${version}`), end.signal)
    .finally(() => {
      isOver = true;
    });
  following.catch(() => undefined);
  for (let waited = 0; !isOver && waited < 60_000; waited += 200) await vi.advanceTimersByTimeAsync(200);
  return { told, from, following };
}

test('however the bytes are cut, each change is told once and in order', async () => {
  const changes = [
    presence('ann', 1),
    presence('jürgen', 1),
    presence('ann', 2),
    presence('ann', 2),
    presence('ann', 1),
    presence('zoë', 7),
  ];
  const text = `: hello\n\n${changes.map((one, index) => eventOf(String(index), one)).join('')}`;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(2000), { maxLength: 12 }), async (cuts) => {
      vi.useFakeTimers();
      const { told } = await followed(streaming(text, cuts));
      expect(told).toEqual(['ann 1', 'jürgen 1', 'ann 2', 'zoë 7']);
    }),
    { numRuns: 40, examples: [[Array.from({ length: 2000 }, (_, cut) => cut)]] },
  );
});

test('a stream that breaks is taken up after its last event, and nothing is told twice', async () => {
  const first = eventOf('10', presence('ann', 1)) + eventOf('11', presence('ben', 1));
  const second = eventOf('11', presence('ben', 1)) + eventOf('12', presence('ben', 2));
  const half = `${eventOf('13', presence('cat', 1))}event: presence\nid: 14\ndata: {"half`;
  const { told, from } = await followed(streaming(first, [], true), new TypeError('offline'), streaming(second), streaming(half, [], true));
  expect(told).toEqual(['ann 1', 'ben 1', 'ben 2', 'cat 1']);
  expect(from).toEqual([undefined, '11', '11', '12', '13']);
});

test('what is not for this release is passed over', async () => {
  const { told } = await followed(
    streaming(
      `${eventOf('1', { weather: 'fine' }, 'weather')}${eventOf('2', { no: 'presence' })}event: presence\ndata: {{\n\n${eventOf('3', presence('ann', 1))}`,
    ),
  );
  expect(told).toEqual(['ann 1']);
});

test('a Center that says no is not asked again; one that cannot is', async () => {
  const refused = await followed(json(problem('forbidden', 403), 403));
  await expect(refused.following).rejects.toMatchObject({ code: 'forbidden' });
  expect(refused.from).toHaveLength(1);
  const away = await followed(json(problem('service_unavailable', 503), 503), streaming(eventOf('1', presence('ann', 1))));
  expect(away.told).toEqual(['ann 1']);
});
