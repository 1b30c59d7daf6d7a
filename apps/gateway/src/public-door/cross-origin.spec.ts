/* A page of another origin reads answers only where its origin is allowed; who is no page is not asked for one. */
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { answerOrigin, mayAsk, originsIn } from './cross-origin.js';

const shops = originsIn('https://shop.example.com/, https://Shop.example.org');
const asked = (origin: string | undefined, host = 'center.example.com') => ({ headers: { ...(origin !== undefined && { origin }), host } });

function answered(request: { method: string; headers: Record<string, string> }, isAllowed = true) {
  const told: Record<string, unknown> = {};
  const response = {
    setHeader: (name: string, value: unknown) => {
      told[name] = value;
    },
    writeHead: (status: number) => {
      told.status = status;
      return response;
    },
    end: () => response,
  };
  const ended = answerOrigin(request, response as unknown as ServerResponse, isAllowed);
  return { ended, told };
}

describe('who may ask', () => {
  test.each([
    ['who names no origin', undefined],
    ['the door’s own pages, whatever is in front of it', 'https://center.example.com'],
    ['an allowed page', 'https://shop.example.com'],
    ['an allowed page, in whatever case', 'https://SHOP.example.org'],
  ])('%s', (_who, origin) => {
    expect(mayAsk(asked(origin), shops)).toBe(true);
  });

  test.each(['https://evil.example.com', 'http://shop.example.com', 'https://shop.example.com.evil.com', 'null', ''])(
    'not %j',
    (origin) => {
      expect(mayAsk(asked(origin), shops)).toBe(false);
    },
  );

  test('everybody, where any page is allowed, and no other page where none is', () => {
    expect(mayAsk(asked('https://anywhere.example.com'), originsIn('*'))).toBe(true);
    expect(mayAsk(asked('https://anywhere.example.com'), originsIn(''))).toBe(false);
  });
});

const preflight = { origin: 'https://shop.example.com', host: 'center.example.com', 'access-control-request-method': 'PUT' };

test('a preflight of an allowed page names what it may send, and is answered by that alone', () => {
  const { ended, told } = answered({ method: 'OPTIONS', headers: preflight });
  expect(ended).toBe(true);
  expect(told).toMatchObject({ status: 204, 'access-control-allow-origin': 'https://shop.example.com', vary: 'Origin' });
  expect(told['access-control-allow-headers']).toContain('authorization');
  expect(told['access-control-allow-methods']).toContain('PUT');
  expect(told).not.toHaveProperty('access-control-allow-credentials');
});

test('a preflight of another page is answered without leave', () => {
  const { ended, told } = answered({ method: 'OPTIONS', headers: { ...preflight, origin: 'https://evil.example.com' } }, false);
  expect([ended, told]).toEqual([true, { vary: 'Origin', status: 204 }]);
});

test('a request goes on, its answer marked for the page it is for', () => {
  const { ended, told } = answered({ method: 'GET', headers: { origin: 'https://shop.example.com' } });
  const readable = expect.stringContaining('retry-after');
  expect([ended, told]).toEqual([
    false,
    { vary: 'Origin', 'access-control-allow-origin': 'https://shop.example.com', 'access-control-expose-headers': readable },
  ]);
  expect(answered({ method: 'GET', headers: {} })).toEqual({ ended: false, told: {} });
});
