/*
 * An app has as many keys, secrets and accounts as it may, and not one more; counting costs no more the more there are.
 */
import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { expect, test } from 'vitest';
import { requireRoom } from './limits.js';

/** A database with so many living ones, which counts no further than it is told to. */
const databaseWith = (living: number) =>
  ({
    query: async (text: string, [, most]: [AppId, number]) => {
      expect(text).toContain('LIMIT $2');
      return { rows: [{ count: Math.min(living, most) }] };
    },
  }) as unknown as Sql;

test.each([
  ['apiKeys', 500],
  ['secrets', 100],
  ['sipAccounts', 5000],
] as const)('of %s an app has %i at most', async (what, most) => {
  await expect(requireRoom(databaseWith(most - 1), 'demo' as AppId, what)).resolves.toBeUndefined();
  for (const living of [most, most + 1, 10 * most]) {
    const refusal = { code: 'conflict', message: expect.stringContaining(String(most)) };
    await expect(requireRoom(databaseWith(living), 'demo' as AppId, what)).rejects.toMatchObject(refusal);
  }
});
