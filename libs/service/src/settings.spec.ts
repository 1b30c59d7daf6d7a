import { expect, test } from 'vitest';
import { z } from 'zod';
import { flagSetting, numberSetting, readSettings } from './settings.js';

const schema = z.object({ PORT: numberSetting(80, { max: 65_535 }), SECRET: z.string().min(8), VERBOSE: flagSetting(false) });

test('defaults stand in for what is missing or empty', () => {
  expect(readSettings(schema, { SECRET: 'long enough', PORT: '', VERBOSE: 'true' })).toEqual({
    PORT: 80,
    SECRET: 'long enough',
    VERBOSE: true,
  });
});

test('every fault is named at once, and no value is shown', () => {
  const read = () => readSettings(schema, { PORT: '99999', SECRET: 'hush', VERBOSE: 'maybe' });
  expect(read).toThrow(/PORT[\s\S]*SECRET[\s\S]*VERBOSE/);
  expect(read).not.toThrow(/hush/);
});
