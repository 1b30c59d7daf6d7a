import { z } from 'zod';
import type { UserAlias } from './ids.js';
import type { Presence } from './presence.js';

/**
 * Who sees whom is: everybody each other; those who share a group, where those without any share that they have none; those who are
 * in a call with one another, as long as they are; or only the app's keys.
 */
export const presenceVisibilitySchema = z.enum(['everyone', 'same_group', 'in_call', 'keys_only']);
export type PresenceVisibility = z.infer<typeof presenceVisibilitySchema>;

/** Somebody who wants to see others. */
export interface Viewer {
  userAlias: UserAlias;
  groups: readonly string[];
}

/** What must be known of somebody to decide who sees them: all of it is in their presence. */
export type Viewed = Pick<Presence, 'userAlias' | 'groups' | 'calls'>;

/**
 * Decides whether a user may see where another is, by the rule of their app. Oneself everybody may. Pure, and here: the domain of the
 * gateway and presence decide by it, of which neither may import the other.
 */
export function maySee(rule: PresenceVisibility, viewer: Viewer, viewed: Viewed): boolean {
  if (viewer.userAlias === viewed.userAlias) return true;
  switch (rule) {
    case 'everyone':
      return true;
    case 'same_group':
      return shareGroup(viewer.groups, viewed.groups ?? []);
    case 'in_call':
      return viewed.calls.some((call) => call.with.includes(viewer.userAlias));
    case 'keys_only':
      return false;
    default:
      return rule satisfies never;
  }
}

function shareGroup(some: readonly string[], others: readonly string[]): boolean {
  return some.length === 0 ? others.length === 0 : some.some((group) => others.includes(group));
}

/** @returns a presence as users are told it: in which groups somebody is, keys alone hear. */
export function toldToUsers<P extends Presence>({ groups: _, ...presence }: P): Presence {
  return presence as Presence;
}

/** @returns the last word about somebody who was deleted; and, since nobody is to know which it is, who is not to be seen any more. */
export function farewellOf({ userAlias, version }: Pick<Presence, 'userAlias' | 'version'>): Presence {
  return { userAlias, status: 'offline', doNotDisturb: false, version, calls: [], devices: [], lastSeenAt: null };
}
