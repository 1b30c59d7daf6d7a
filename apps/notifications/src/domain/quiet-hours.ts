import type { QuietHours } from '@communication-center/contracts';

const minuteMs = 60_000;
const dayMinutes = 1440;
/** No clock is put forward or back by more. */
const mostShiftMinutes = 180;

const minutesOf = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** @returns minutes since midnight by the clocks of a time zone. */
function clockIn(zone: Intl.DateTimeFormat, at: number): number {
  return minutesOf(zone.format(at));
}

function isBetween(minutes: number, from: number, to: number): boolean {
  return from < to ? minutes >= from && minutes < to : minutes >= from || minutes < to;
}

/**
 * @param timeZone of the receiver; without one it is as the rule says.
 * @returns when quiet hours end that `now` lies in, by the clock on the receiver's wall, whatever happens to it meanwhile: the first
 * minute that is not quiet. Undefined where it does not lie in them.
 */
export function quietUntil({ from, to, timeZone: byDefault }: QuietHours, timeZone: string | null, now: Date): Date | undefined {
  const zone = formatOf(timeZone ?? byDefault) ?? formatOf(byDefault);
  if (!zone) return undefined;
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  const isQuiet = (at: number) => isBetween(clockIn(zone, at), begin, end);
  if (!isQuiet(now.getTime())) return undefined;
  const minute = Math.floor(now.getTime() / minuteMs) * minuteMs;
  const left = (end - clockIn(zone, minute) + dayMinutes) % dayMinutes;
  // Before that no clock shows the end: from there on it is looked at minute by minute.
  let at = minute + Math.max(1, left - mostShiftMinutes) * minuteMs;
  const latest = minute + (left + mostShiftMinutes) * minuteMs;
  while (at < latest && isQuiet(at)) at += minuteMs;
  return new Date(at);
}

/** @returns undefined for a zone that is not known here, as one from a later release may be. */
function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  } catch {
    return undefined;
  }
}
