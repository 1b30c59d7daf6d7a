/** @returns names as people list them: `Bob`, `Bob and Carol`, `Bob, Carol and 3 others`. */
export function listed(names: readonly string[]): string {
  const [first, second, ...others] = names;
  if (first === undefined) return 'nobody';
  if (second === undefined) return first;
  if (others.length === 0) return `${first} and ${second}`;
  return others.length === 1 ? `${first}, ${second} and ${others[0]}` : `${first}, ${second} and ${others.length} others`;
}

/** @returns seconds as a clock shows them: `0:07`, `12:30`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const padded = (part: number) => String(part).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(whole % 60)}` : `${minutes}:${padded(whole % 60)}`;
}

/** @returns a moment as one would say it: the time alone for today, the day with it before. */
export function when(time: string, now = new Date()): string {
  const at = new Date(time);
  const clockTime = at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  if (at.toDateString() === now.toDateString()) return clockTime;
  return `${at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })}, ${clockTime}`;
}
