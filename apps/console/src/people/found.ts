import type { ToldPresence } from '@communication-center/client';

interface Search {
  search: string;
  nameOf: (userAlias: string) => string;
  /** Who is not to be found. */
  without: ReadonlySet<string>;
}

interface Found {
  /** Who is here first, then by name. */
  people: ToldPresence[];
  /** What was written, where nobody in the list is called so: somebody may be, whom one does not see. */
  stranger: string | undefined;
}

const letters = new Intl.Collator();
const ranks: Record<string, number> = { online: 0, busy: 1, away: 2, do_not_disturb: 3, offline: 9 };

/** Orders people as one looks for them: who is here first, then by name. */
export function byPresence(nameOf: (userAlias: string) => string) {
  const isHere = ({ status }: ToldPresence) => (status === 'offline' ? 1 : 0);
  const rank = ({ status }: ToldPresence) => ranks[status] ?? 4;
  const name = ({ userAlias }: ToldPresence) => nameOf(userAlias);
  return (one: ToldPresence, other: ToldPresence) =>
    isHere(one) - isHere(other) || rank(one) - rank(other) || letters.compare(name(one), name(other));
}

/** @returns who fits what was written: by name or alias, from anywhere in it. */
export function found(everybody: readonly ToldPresence[], { search, nameOf, without }: Search): Found {
  const written = search.trim();
  const wanted = written.toLowerCase();
  const fits = (userAlias: string) => `${nameOf(userAlias)}\n${userAlias}`.toLowerCase().includes(wanted);
  const people = everybody.filter(({ userAlias }) => !without.has(userAlias) && fits(userAlias)).sort(byPresence(nameOf));
  const isKnown = everybody.some(({ userAlias }) => userAlias === written) || without.has(written);
  return { people, stranger: written !== '' && !isKnown ? written : undefined };
}

/** Somebody to choose, and where they are; of a stranger nobody knows. */
type Row = { userAlias: string; status?: ToldPresence['status'] };

/**
 * @returns who is to be chosen from, with the stranger last. One list: whoever presses a button beside a stranger who becomes known
 * meanwhile presses that of the same person.
 */
export function rowsOf(people: readonly ToldPresence[], stranger: string | undefined): Row[] {
  const known = people.map(({ userAlias, status }) => ({ userAlias, status }));
  return stranger === undefined ? known : [...known, { userAlias: stranger }];
}
