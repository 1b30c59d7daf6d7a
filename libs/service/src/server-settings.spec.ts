/*
 * Connections to servers are plain or judged: settings that would encrypt for whoever answers, or that contradict each other, are
 * refused at the start, by name and without their values.
 */
import { brokerSettingsIn, brokersOf } from '@communication-center/event-log';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { connectRedis } from './redis.js';
import { databaseUrlSetting, redisSettings } from './server-settings.js';
import { readSettings } from './settings.js';

const here = import.meta.filename;
const schema = z.object({ DATABASE_URL: databaseUrlSetting(), ...redisSettings });
const address = (query: string) => `postgresql://center:hidden-word@db.example.com/center${query}`;
const read = (query: string, more: Record<string, string> = {}) =>
  readSettings(schema, { DATABASE_URL: address(query), REDIS_URL: 'redis://127.0.0.1:6379', ...more });

describe('PostgreSQL', () => {
  test.each([
    '',
    '?sslmode=disable',
    '?sslmode=verify-full',
    `?sslmode=verify-full&sslrootcert=${here}&sslcert=${here}&sslkey=${here}`,
    '?application_name=me',
  ])('%s is taken as it is', (query) => {
    expect(read(query).DATABASE_URL).toBe(address(query));
  });

  test.each(['require', 'verify-ca'])('%s is taken for verify-full, as it was', (mode) => {
    expect(read(`?sslmode=${mode}&application_name=me`).DATABASE_URL).toBe(address('?sslmode=verify-full&application_name=me'));
  });

  test.each([
    ['?sslmode=no-verify', 'verify-full'],
    ['?sslmode=prefer', 'verify-full'],
    ['?sslmode=allow', 'verify-full'],
    ['?ssl=no-verify', 'verify-full'],
    ['?ssl=true', 'verify-full'],
    ['?sslmode=require&uselibpqcompat=true', 'uselibpqcompat'],
    [`?sslrootcert=${here}`, 'sslrootcert'],
    [`?sslmode=disable&sslrootcert=${here}`, 'sslrootcert'],
    ['?sslmode=verify-full&sslrootcert=/nowhere.pem', 'sslrootcert'],
    [`?sslmode=verify-full&sslcert=${here}`, 'sslkey'],
  ])('%s is refused, and %s is named', (query, named) => {
    expect(() => read(query)).toThrow(named);
    expect(() => read(query)).toThrow(/DATABASE_URL/);
    expect(() => read(query)).not.toThrow(/hidden-word/);
  });
});

describe('Redis', () => {
  test('certificates for a connection without TLS are refused, and so are files that are not there', () => {
    expect(() => connectRedis({ REDIS_URL: 'redis://127.0.0.1:1', REDIS_CA_FILE: here }, { lazyConnect: true })).toThrow('rediss://');
    expect(() => connectRedis({ REDIS_URL: 'rediss://127.0.0.1:1', REDIS_CERT_FILE: here }, { lazyConnect: true })).toThrow('key');
    expect(() => read('', { REDIS_CA_FILE: '/nowhere.pem' })).toThrow('REDIS_CA_FILE: names a file that cannot be read');
  });

  test('a host is asked for by its name, and an address is not', () => {
    const tlsOf = (url: string) => connectRedis({ REDIS_URL: url }, { lazyConnect: true }).options.tls;
    expect(tlsOf('rediss://cache.example.com:6380')).toMatchObject({ servername: 'cache.example.com' });
    expect(tlsOf('rediss://127.0.0.1:6380')).toEqual({});
    expect(tlsOf('rediss://[::1]:6380')).toEqual({});
    expect(tlsOf('redis://127.0.0.1:6379')).toBeUndefined();
  });
});

describe('Kafka', () => {
  const of = (more: Record<string, string>) => brokersOf(brokerSettingsIn({ KAFKA_BROKERS: 'a:1, b:2', ...more }));

  test('commands read what services read', () => {
    const sasl = { KAFKA_SASL_MECHANISM: 'scram-sha-256', KAFKA_SASL_USERNAME: 'center', KAFKA_SASL_PASSWORD: 'word' };
    expect(of({})).toEqual({ brokers: ['a:1', 'b:2'], replicationFactor: 3, partitions: 48 });
    expect(of({ KAFKA_SSL: 'true', ...sasl })).toMatchObject({
      ssl: {},
      sasl: { mechanism: 'scram-sha-256', username: 'center', password: 'word' },
    });
  });

  test.each([
    ['KAFKA_BROKERS', { KAFKA_BROKERS: '' }],
    ['KAFKA_SSL', { KAFKA_SSL: 'yes' }],
    ['KAFKA_SSL', { KAFKA_CA_FILE: here }],
    ['key', { KAFKA_SSL: 'true', KAFKA_CERT_FILE: here }],
    ['nowhere.pem', { KAFKA_SSL: 'true', KAFKA_CA_FILE: '/nowhere.pem' }],
    ['KAFKA_SASL_MECHANISM', { KAFKA_SASL_MECHANISM: 'gssapi' }],
    ['KAFKA_SASL_PASSWORD', { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'center' }],
    ['KAFKA_PARTITIONS', { KAFKA_PARTITIONS: 'many' }],
  ])('%s is named where it is wrong', (named, settings) => {
    expect(() => of(settings as Record<string, string>)).toThrow(named);
  });
});
