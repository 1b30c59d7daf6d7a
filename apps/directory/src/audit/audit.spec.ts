/*
 * Acts of admins are on record with who did them, and are read back page by page: every entry once, newest first, whatever the size
 * of a page.
 */
import type { AppId, AuditEntry, Subject, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { Postgres } from '@communication-center/service';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AuditController } from './audit.controller.js';
import { noteOf } from './audit.js';

const demo = 'demo' as AppId;
const operator: Subject = { kind: 'operator' };

/** A table of so many entries, which answers as the one statement that reads it would. */
function auditOf(count: number) {
  const rows = Array.from({ length: count }, (_, index) => ({
    entry_id: `019b7777-0000-7000-8000-${String(index).padStart(12, '0')}`,
    at: new Date(index),
    actor: 'operator',
    act: 'app.saved',
    target: 'demo',
  })).reverse();
  const query = async (_text: string, [, before, limit]: [AppId, string | null, number]) => ({
    rows: rows.filter(({ entry_id }) => before === null || entry_id < before).slice(0, limit),
  });
  return new AuditController({ query } as unknown as Postgres, {} as never);
}

test('whatever the size of a page, the pages together are the whole record', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 25 }), async (count, limit) => {
      const controller = auditOf(count);
      const read: AuditEntry[] = [];
      let pages = 0;
      for (let cursor: string | undefined; ; ) {
        const page = await controller.list(operator, demo, { limit, ...(cursor && { cursor }) });
        read.push(...page.entries);
        pages += 1;
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        if (page.nextCursor === null) break;
        cursor = page.nextCursor;
      }
      expect(read.map(({ at }) => Date.parse(at))).toEqual(Array.from({ length: count }, (_, index) => count - 1 - index));
      expect(pages).toBe(Math.floor(count / limit) + 1);
    }),
  );
});

test('an act is noted in the transaction that does it, with who did it', async () => {
  const subjects: [Subject, string][] = [
    [operator, 'operator'],
    [{ kind: 'operator', holder: 'anna' }, 'operator:anna'],
    [{ kind: 'key', appId: demo, keyId: 'k1', scopes: ['admin'] }, 'key:k1'],
    [{ kind: 'user', appId: demo, userAlias: 'ann' as UserAlias }, 'user:ann'],
  ];
  for (const [subject, actor] of subjects) {
    const written: unknown[][] = [];
    const query = async (_text: string, values: unknown[]) => {
      written.push(values);
      return { rows: [{ at: new Date(), id: '1', partition: 0 }] };
    };
    const tx = { query } as unknown as Sql;
    await noteOf(subject, demo, 'api_key.revoked', 'k2')(tx);
    const [entry, [topics, , keys, events] = []] = written;
    expect(entry).toEqual([expect.any(String), 'demo', actor, 'api_key.revoked', 'k2']);
    // The log is told of it in the same transaction.
    expect([topics, keys]).toEqual([['audit.events'], [entry?.[0]]]);
    expect(JSON.parse((events as string[])[0] as string)).toMatchObject({ type: 'audit.noted', data: { actor, act: 'api_key.revoked' } });
  }
});

test('only the operator and an admin key of the app read its record', async () => {
  const strangers: Subject[] = [
    { kind: 'nobody' },
    { kind: 'user', appId: demo, userAlias: 'ann' as UserAlias },
    { kind: 'key', appId: 'other' as AppId, keyId: 'k', scopes: ['admin'] },
    { kind: 'key', appId: demo, keyId: 'k', scopes: ['users'] },
  ];
  for (const subject of strangers) {
    await expect(auditOf(3).list(subject, demo, { limit: 10 })).rejects.toMatchObject({
      code: expect.stringMatching(/^(forbidden|unauth)/),
    });
  }
});
