import type { BroadcastWatched } from '@communication-center/contracts/broadcasts';

/** What the page knows of a broadcast; `gone` where its link gives nothing, undefined before it asked. */
export type Known = BroadcastWatched | 'gone' | undefined;

/** @returns the token in a link's fragment; undefined where there is none. */
export function tokenIn(hash: string): string | undefined {
  return /^#([A-Za-z0-9_-]{20,500})$/.exec(hash)?.[1];
}

/** @returns what is said of how it stands. */
export function sentenceOf(known: Known): string {
  if (known === undefined) return 'Asking for the broadcast …';
  if (known === 'gone') return 'This link gives nothing, or gives it no longer.';
  switch (known.state) {
    case 'starting':
      return 'It begins soon.';
    case 'live':
      return 'Live.';
    case 'stopped':
      return 'The broadcast is over.';
    case 'failed':
      return 'The broadcast broke off. Whoever started it may start another, which has another link.';
  }
}

/**
 * @param shownAt the time in the picture that is shown, by the service's clock.
 * @param ahead how far this device's clock is ahead of the service's, in milliseconds.
 * @returns how far what is shown is behind, in milliseconds; undefined while nothing is shown.
 */
export function behindMs(shownAt: number | undefined, now: number, ahead: number): number | undefined {
  return shownAt === undefined ? undefined : Math.max(0, now - ahead - shownAt);
}

/** @returns what is said in figures. */
export function figuresOf(known: Known, behind: number | undefined): string {
  if (typeof known !== 'object' || known.state !== 'live') return '';
  const watching = `${known.viewers} watching`;
  return behind === undefined ? watching : `${watching}, ${(behind / 1000).toFixed(1)} s behind`;
}
