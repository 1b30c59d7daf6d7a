/* The microphone and camera that were chosen are those of the next call and the next day, each by itself; what else is kept there harms nothing. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepDevice, keepNoiseSuppression, keptDevices } from './kept-devices.js';

let kept: Map<string, string>;
beforeEach(() => {
  kept = new Map();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
});
afterEach(() => void vi.unstubAllGlobals());

test('each kind is kept by itself, the last choice of it', () => {
  expect(keptDevices()).toEqual({});
  keepDevice('audio', 'headset');
  keepDevice('video', 'built in');
  keepDevice('video', 'on the screen');
  expect(keptDevices()).toEqual({ audio: 'headset', video: 'on the screen' });
  keepNoiseSuppression(false);
  expect(keptDevices()).toEqual({ audio: 'headset', video: 'on the screen', noiseSuppression: false });
});

test.each(['not JSON', 'null', '7', '{"audio":7,"video":{},"noiseSuppression":1}'])(
  'what is kept in another form is passed over: %s',
  (text) => {
    keepDevice('audio', 'headset');
    for (const key of kept.keys()) kept.set(key, text);
    expect(keptDevices()).toEqual({});
  },
);

test('a browser that keeps nothing has its own preference', () => {
  vi.stubGlobal('localStorage', undefined);
  keepDevice('audio', 'headset');
  expect(keptDevices()).toEqual({});
});
