/* Whoever signed in is signed in again by a reload, unless the address names somebody else or they signed out. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { forgetSignIn, keepSignIn, keptSignIn } from './kept-sign-in.js';

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});
afterEach(() => void vi.unstubAllGlobals());

const at = (search: string) => keptSignIn(new URLSearchParams(search));

test('the tab knows who signed in until they sign out', () => {
  expect(at('')).toBeUndefined();
  keepSignIn({ appId: 'demo', userAlias: 'alice' });
  expect(at('')).toEqual({ appId: 'demo', userAlias: 'alice' });
  expect(at('?app=demo&alias=alice')).toEqual({ appId: 'demo', userAlias: 'alice' });
  forgetSignIn();
  expect(at('')).toBeUndefined();
});

test.each(['?alias=bob', '?app=shop', '?app=shop&alias=alice'])('an address that names somebody else asks: %s', (search) => {
  keepSignIn({ appId: 'demo', userAlias: 'alice' });
  expect(at(search)).toBeUndefined();
});

test('what is kept in another form is passed over', () => {
  sessionStorage.setItem('communication-center.signIn', '{"appId":1}');
  expect(at('')).toBeUndefined();
});
