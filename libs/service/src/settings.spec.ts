import { expect, test } from 'vitest';
import { z } from 'zod';
import { commonSettings, developmentSetting, flagSetting, numberSetting, readSettings } from './settings.js';

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

test('a switch for development is refused by name, unless the profile says that this is development', () => {
  const { PROFILE } = commonSettings;
  const switched = z.object({ PROFILE, TRUST_ANYBODY: developmentSetting().describe('for development only'), VERBOSE: flagSetting(false) });
  const on = { TRUST_ANYBODY: 'true', VERBOSE: 'true' };
  expect(() => readSettings(switched, on)).toThrow('TRUST_ANYBODY: is for development; leave it out, or set PROFILE=development');
  expect(() => readSettings(switched, { ...on, PROFILE: 'production' })).toThrow('TRUST_ANYBODY');
  expect(readSettings(switched, { ...on, PROFILE: 'development' })).toMatchObject({ TRUST_ANYBODY: true });
  expect(readSettings(switched, { VERBOSE: 'true' })).toEqual({ PROFILE: 'production', TRUST_ANYBODY: false, VERBOSE: true });
});

test('a secret that is known or easily guessed is refused by name, unless the profile says that this is development', () => {
  const { PROFILE, DATABASE_URL } = commonSettings;
  const keeping = z.object({ PROFILE, DATABASE_URL, KEY: z.string().meta({ secret: true }), NAME: z.string() });
  const weak = { DATABASE_URL: 'postgresql://center:center@db/center', KEY: 'secret', NAME: 'center' };
  const read = () => readSettings(keeping, weak);
  expect(read).toThrow(/DATABASE_URL: is a word[\s\S]*KEY: is a word/);
  expect(read).not.toThrow(/NAME|center:center/);
  expect(readSettings(keeping, { ...weak, PROFILE: 'development' })).toMatchObject(weak);
  const strong = { DATABASE_URL: 'postgresql://center:9wXb2cN5@db/center', KEY: 'vq7Zt3Lw0pYs', NAME: 'center' };
  expect(readSettings(keeping, strong)).toMatchObject(strong);
});

test('of a list of secrets each is judged, without the name that stands before it', () => {
  const { PROFILE } = commonSettings;
  const keeping = z.object({ PROFILE, KEYS: z.string().meta({ secret: true, isList: true }) });
  const good = 'vq7Zt3Lw0pYs';
  for (const KEYS of [`${good},secret`, `${good}, ben-who-holds-it:aaaaaaaaaaaa`, `${good},x:dev-only-${good}`])
    expect(() => readSettings(keeping, { KEYS }), KEYS).toThrow('KEYS: ');
  expect(readSettings(keeping, { KEYS: `anna:${good},ben:${good}9` })).toMatchObject({ PROFILE: 'production' });
});

test('what NODE_ENV says changes nothing', () => {
  const { PROFILE } = commonSettings;
  const switched = z.object({ PROFILE, TRUST_ANYBODY: developmentSetting() });
  expect(() => readSettings(switched, { NODE_ENV: 'development', TRUST_ANYBODY: 'true' })).toThrow('TRUST_ANYBODY');
  expect(readSettings(switched, { NODE_ENV: 'production', PROFILE: 'development', TRUST_ANYBODY: 'true' })).toMatchObject({
    TRUST_ANYBODY: true,
  });
});
