/* Whose an alias is: in whatever pieces the log is read, and whatever of it is compacted away, nobody who is deleted has it still. */
import type { AppId, DirectoryEvent, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Told, whoseAlias } from './whose-alias.js';

const app = 'demo' as AppId;
const alice = 'alice' as UserAlias;
const key = 'user:demo/alice';
const timeOf = (sequence: number) => new Date(1_800_000_000_000 + sequence * 60_000).toISOString();
const eventOf = (type: 'user.saved' | 'user.deleted', sequence: number) =>
  ({ type, appid: app, subject: key, sequence, time: timeOf(sequence), data: { userAlias: alice } }) as DirectoryEvent;

/** What is kept of one alias, as the table does. */
interface Kept {
  sequence: number;
  until: string;
}
const none = 'infinity';

function kept(before: Kept | undefined, { gone, made }: ReturnType<typeof whoseAlias>): Kept | undefined {
  let now = before;
  for (const { sequence } of gone) {
    if (now === undefined || sequence > now.sequence || sequence === 0)
      now = { sequence: Math.max(now?.sequence ?? 0, sequence), until: none };
  }
  for (const one of made) if (now && now.until === none && now.sequence <= one.sequence) now = { sequence: one.sequence, until: one.at };
  return now;
}

/** The life of an alias: saved, saved again, deleted, made anew; a deletion has a tombstone behind it. */
const life = fc.array(fc.constantFrom<'user.saved' | 'user.deleted'>('user.saved', 'user.deleted'), { minLength: 1, maxLength: 8 });

type Item = { event: DirectoryEvent } | { ends: true };
const logOf = (types: readonly ('user.saved' | 'user.deleted')[]): Item[] =>
  types.flatMap((type, index) => {
    const event = { event: eventOf(type, index + 1) };
    return type === 'user.deleted' ? [event, { ends: true as const }] : [event];
  });

function read(items: readonly Item[]): ReturnType<typeof whoseAlias> {
  const events = items.flatMap((item) => ('event' in item ? [item.event] : []));
  const lastEnd = items.findLastIndex((item) => 'ends' in item);
  const tombstones = lastEnd < 0 ? [] : [{ key, isFollowed: items.slice(lastEnd + 1).length > 0 }];
  return whoseAlias(events, tombstones);
}

test('in whatever pieces it is read, who has the alias now had it since the last deletion, and whoever was deleted does not', () => {
  fc.assert(
    fc.property(life, fc.array(fc.nat(20), { maxLength: 5 }), (types, cuts) => {
      const log = logOf(types);
      const places = [0, ...cuts.map((cut) => cut % (log.length + 1)), log.length].toSorted((one, other) => one - other);
      let now: Kept | undefined;
      for (let index = 1; index < places.length; index += 1) now = kept(now, read(log.slice(places[index - 1], places[index])));
      const lastDeleted = types.lastIndexOf('user.deleted');
      if (lastDeleted < 0) expect(now).toBeUndefined();
      else if (lastDeleted === types.length - 1) expect(now?.until).toBe(none);
      else {
        // Where a piece begins between a deletion and its tombstone, whoever was made anew counts as that from what was saved last: never too soon.
        expect(now?.until.localeCompare(timeOf(lastDeleted + 2))).toBeGreaterThanOrEqual(0);
        expect(now?.until.localeCompare(timeOf(types.length))).toBeLessThanOrEqual(0);
        if (cuts.length === 0) expect(now?.until).toBe(timeOf(lastDeleted + 2));
      }
    }),
  );
});

test('what is read again gives nobody an alias any sooner, nor takes it from whoever has it', () => {
  fc.assert(
    fc.property(life, fc.nat(10), (types, from) => {
      const log = logOf(types);
      const once = kept(undefined, read(log));
      const again = kept(once, read(log.slice(Math.min(from, log.length - 1))));
      expect(again?.until === none).toBe(once?.until === none);
      expect((again?.until ?? '').localeCompare(once?.until ?? '')).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('where the deletion is compacted away its tombstone says so, and the newest of who came later', () => {
  const toldOf = (sequence: number): Told => ({ appId: app, userAlias: alice, sequence });
  expect(whoseAlias([], [{ key, isFollowed: false }])).toEqual({ gone: [toldOf(0)], made: [] });
  expect(whoseAlias([eventOf('user.saved', 4)], [{ key, isFollowed: true }])).toEqual({
    gone: [toldOf(0)],
    made: [{ ...toldOf(4), at: timeOf(4) }],
  });
});

test('what is no user is passed over', () => {
  const saved = { type: 'app.saved', appid: app, subject: 'app:demo', sequence: 1, time: timeOf(1), data: {} } as unknown as DirectoryEvent;
  expect(whoseAlias([saved], [{ key: 'app:demo', isFollowed: false }])).toEqual({ gone: [], made: [] });
});
