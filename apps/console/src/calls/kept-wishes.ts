import type { Wishes } from '@communication-center/client';

const key = 'communication-center.sending';

/** @returns whether microphone and camera were on when they were last switched within this tab: so they are for the next call, and after a reload. */
export function keptWishes(): Wishes {
  const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Wishes>;
  return { audio: kept.audio !== false, video: kept.video !== false };
}

export function keepWishes(wishes: Wishes): void {
  sessionStorage.setItem(key, JSON.stringify(wishes));
}
