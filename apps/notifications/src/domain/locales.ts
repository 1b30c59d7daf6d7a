/**
 * @param wanted a BCP 47 tag. @param among the locales there are.
 * @returns the one that is nearest: itself, then with ever less of its end (RFC 4647 §3.4), then the one by default.
 */
export function localeFor(wanted: string | null, among: readonly string[], byDefault: string): string {
  const byName = new Map(among.map((one) => [one.toLowerCase(), one]));
  for (let tag = wanted?.toLowerCase() ?? ''; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
    const found = byName.get(tag);
    if (found !== undefined) return found;
  }
  return byDefault;
}

/** @returns a moment as somebody writes it, with the name of its time zone: in English, and UTC, where theirs is not known here. */
export function whenIn(at: Date, locale: string | null, timeZone: string | null): string {
  return (
    formatOf(locale ?? 'en', timeZone ?? 'UTC') ??
    formatOf('en', timeZone ?? 'UTC') ??
    (formatOf('en', 'UTC') as Intl.DateTimeFormat)
  ).format(at);
}

function formatOf(locale: string, timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat(locale, {
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      timeZone,
      timeZoneName: 'short',
    });
  } catch {
    return undefined;
  }
}
