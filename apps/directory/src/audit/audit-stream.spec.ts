/*
 * A reader of the stream is told each entry that is made, once, also those that are committed after younger ones; of what was made
 * before nothing; and whoever comes back with the last id misses nothing.
 */
import type { AppId } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AuditStream } from './audit-stream.js';
import { idAt, timeOf } from './entry-ids.js';

const demo = 'demo' as AppId;
const start = Date.parse('2026-11-27T12:00:00.000Z');

/** A table in which entries become visible when they are committed. */
class Table {
  readonly rows: { entry_id: string; committedAt: number }[] = [];
  now = start;

  query = async (_text: string, [, after, limit]: [AppId, string, number]) => ({
    rows: this.rows
      .filter(({ entry_id, committedAt }) => entry_id > after && committedAt <= this.now)
      .sort((one, other) => (one.entry_id < other.entry_id ? -1 : 1))
      .slice(0, limit)
      .map(({ entry_id }) => ({ entry_id, at: new Date(timeOf(entry_id)), actor: 'operator', act: 'app.saved', target: 'demo' })),
  });

  add(number: number, madeAt: number, lateMs = 0): string {
    const entry_id = idAt(madeAt).slice(0, -6) + String(number).padStart(6, '0');
    this.rows.push({ entry_id, committedAt: madeAt + lateMs });
    return entry_id;
  }
}

function reader(table: Table, after?: string) {
  const told: string[] = [];
  const write = (text: string) => {
    told.push(...(/^id: (.*)$/m.exec(text)?.slice(1) ?? []));
    return true;
  };
  const response = { write, end: () => undefined, once: () => undefined };
  return { told, stream: new AuditStream(table as never, demo, response, { after, now: table.now }) };
}

test('whenever entries are committed, each is told once, and none from before', async () => {
  const entry = fc.record({ afterMs: fc.nat(5000), lateMs: fc.nat(20_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 40 }), fc.integer({ min: 200, max: 5000 }), async (entries, everyMs) => {
      const table = new Table();
      table.add(999_999, start - 5000);
      const { told, stream } = reader(table);
      await stream.look(table.now);
      let madeAt = start;
      const made = entries.map(({ afterMs, lateMs }, number) => {
        madeAt += afterMs + 1;
        return table.add(number, madeAt, lateMs);
      });
      for (const end = madeAt + 60_000; table.now < end; ) {
        table.now += everyMs;
        await stream.look(table.now);
      }
      expect(told.toSorted()).toEqual(made.toSorted());
    }),
    { numRuns: 50 },
  );
});

test('whoever comes back with the last id is told all that came after it, also what was late', async () => {
  const table = new Table();
  const first = reader(table);
  await first.stream.look(table.now);
  const late = table.add(1, start + 1000, 8000);
  const last = table.add(2, start + 2000);
  table.now = start + 3000;
  await first.stream.look(table.now);
  expect(first.told).toEqual([last]);
  table.now = start + 60_000;
  const next = table.add(3, start + 50_000);
  const again = reader(table, last);
  await again.stream.look(table.now);
  expect(again.told).toEqual([late, next]);
});

test('more than fit into a page are all told', async () => {
  const table = new Table();
  const { told, stream } = reader(table);
  await stream.look(table.now);
  for (let number = 0; number < 1700; number += 1) table.add(number, start + 1 + number);
  table.now = start + 5000;
  await stream.look(table.now);
  expect(told).toHaveLength(1700);
});
