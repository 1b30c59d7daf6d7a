import { expect, test } from 'vitest';
import { knowsEvent } from './known-events.js';

test('a release knows the events it has schemas for, and no newer version of their data', () => {
  expect(knowsEvent('calls.events', { type: 'call.dialed', dataversion: 1 })).toBe(true);
  expect(knowsEvent('calls.events', { type: 'call.dialed', dataversion: 2 })).toBe(false);
  expect(knowsEvent('calls.events', { type: 'call.transferred', dataversion: 1 })).toBe(false);
  expect(knowsEvent('calls.events', { type: 'session.opened', dataversion: 1 })).toBe(false);
  expect(knowsEvent('sessions.events', { type: 'session.opened', dataversion: 1 })).toBe(true);
});

test('of a topic without schemas everything is known', () => {
  expect(knowsEvent('notifications.events', { type: 'anything', dataversion: 9 })).toBe(true);
});
