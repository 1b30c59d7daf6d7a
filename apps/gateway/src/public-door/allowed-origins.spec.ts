/* A page asks in an app's name where that app allows its origin; before the app is known, where any app does. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AllowedOrigins, PageRefused } from './allowed-origins.js';

const page = (origin?: string) => ({ headers: { host: 'center.example.com', ...(origin !== undefined && { origin }) } });
let asked: string[];
let answer: () => Promise<unknown>;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answer = async () => ({ isAllowed: true });
});
afterEach(() => void vi.useRealTimers());

function origins(ALLOWED_ORIGINS: string): AllowedOrigins {
  const ask = (_endpoint: unknown, { query }: { query: { origin: string } }) => {
    asked.push(query.origin);
    return answer();
  };
  return new AllowedOrigins({ directory: { ask } } as never, { ALLOWED_ORIGINS });
}

test('an app’s own origins stand in place of the installation’s, also where these are all or the app’s are none', () => {
  const all = origins('*');
  all.require(page('https://anywhere.example'), undefined);
  all.require(page('https://shop.example'), ['https://shop.example']);
  all.require(page(), ['https://shop.example']);
  all.require(page('https://center.example.com'), []);
  expect(() => all.require(page('https://evil.example'), ['https://shop.example'])).toThrow(PageRefused);
  expect(() => all.require(page('https://shop.example'), [])).toThrow(PageRefused);
  const one = origins('https://house.example');
  expect(() => one.require(page('https://shop.example'), undefined)).toThrow(PageRefused);
  expect(() => one.require(page('https://house.example'), ['https://shop.example'])).toThrow(PageRefused);
});

test('the directory is asked of an origin that the installation does not allow, and not again within a second', async () => {
  const some = origins('https://house.example');
  expect(await some.mayAskAtAll(page('https://house.example'))).toBe(true);
  expect(await some.mayAskAtAll(page())).toBe(true);
  expect(asked).toEqual([]);
  expect(await Promise.all([1, 2].map(() => some.mayAskAtAll(page('https://SHOP.example'))))).toEqual([true, true]);
  expect(asked).toEqual(['https://shop.example']);
  answer = async () => ({ isAllowed: false });
  vi.advanceTimersByTime(1001);
  expect(await some.mayAskAtAll(page('https://shop.example'))).toBe(false);
});

test('a directory that does not answer allows nobody', async () => {
  answer = () => Promise.reject(new Error('away'));
  expect(await origins('').mayAskAtAll(page('https://shop.example'))).toBe(false);
});

test('an origin longer than any is not asked about, and many different ones are not all remembered', async () => {
  const some = origins('');
  expect(await some.mayAskAtAll(page(`https://${'a'.repeat(400)}.example`))).toBe(false);
  expect(asked).toEqual([]);
  for (let number = 0; number < 1001; number += 1) await some.mayAskAtAll(page(`https://${number}.example`));
  await some.mayAskAtAll(page('https://1000.example'));
  expect(asked).toHaveLength(1001);
  await some.mayAskAtAll(page('https://0.example'));
  expect(asked).toHaveLength(1002);
});
