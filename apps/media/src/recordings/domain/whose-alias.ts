import { type AppId, type DirectoryEvent, type UserAlias, userOfKey } from '@communication-center/contracts';

/** Somebody of an app, by the event of its sequence; 0 where the log says only that the key has ended. */
export interface Told {
  appId: AppId;
  userAlias: UserAlias;
  sequence: number;
}

/**
 * What some news of the directory say about whose an alias is.
 * @param tombstones the keys that ended among the events; `isFollowed` where an event of the key came later.
 * @returns `gone`: who was deleted. `made`: who was saved, by the first event since the last deletion, and when that was; whether it was made anew only
 * who knows that it was deleted can tell.
 */
export function whoseAlias(
  events: readonly DirectoryEvent[],
  tombstones: readonly { key: string; isFollowed: boolean }[],
): { gone: Told[]; made: (Told & { at: string })[] } {
  const gone = new Map<string, Told>();
  const made = new Map<string, Told & { at: string }>();
  const last = new Map<string, Told & { at: string }>();
  for (const event of events.toSorted((one, other) => one.sequence - other.sequence)) {
    if (event.type === 'app.saved') continue;
    const { appid: appId, subject: key, sequence, time: at, data } = event;
    const told = { appId, userAlias: data.userAlias, sequence };
    if (event.type === 'user.deleted') {
      gone.set(key, told);
      made.delete(key);
      last.delete(key);
    } else {
      last.set(key, { ...told, at });
      if (!made.has(key)) made.set(key, { ...told, at });
    }
  }
  for (const { key, isFollowed } of tombstones) {
    const user = userOfKey(key);
    if (!user) continue;
    const newest = last.get(key);
    if (!isFollowed) made.delete(key);
    // The deletion is compacted away: the newest that is left is the one that is known to have come later.
    else if (!gone.has(key) && newest) made.set(key, newest);
    if (!gone.has(key)) gone.set(key, { ...user, sequence: 0 });
  }
  return { gone: [...gone.values()], made: [...made.values()] };
}
