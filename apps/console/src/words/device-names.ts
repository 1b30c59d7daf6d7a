import { readable } from './text-of.js';

/** The first that fits names the browser: others claim to be Chrome, or Safari, as well. */
const browsers: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, 'Edge'],
  [/OPR\/|Opera/, 'Opera'],
  [/SamsungBrowser\//, 'Samsung Internet'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\/|Chromium\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const systems: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X|Macintosh/, 'Mac'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
];
const platforms: Record<string, string> = {
  web: 'Browser',
  ios: 'iPhone or iPad',
  android: 'Android phone',
  desktop: 'Desktop app',
  server: 'Server',
  other: 'Another device',
};

const firstOf = (known: [RegExp, string][], userAgent: string, otherwise: string) =>
  known.find(([pattern]) => pattern.test(userAgent))?.[1] ?? otherwise;
const form = /^page:([A-Za-z.]+):([A-Za-z.]+):[0-9a-f]{12}$/;

/** @returns an id for a device of this page, which says what people would call it: whoever sees the id can tell. */
export function newDeviceId(userAgent: string, random: string): string {
  const browser = firstOf(browsers, userAgent, 'Browser').replaceAll(' ', '.');
  return `page:${browser}:${firstOf(systems, userAgent, 'computer')}:${random.replaceAll('-', '').slice(0, 12)}`;
}

/** @returns what people call a device: `Chrome on Windows` where its id says so, else its kind. */
export function deviceName({ deviceId, platform }: { deviceId: string; platform: string }): string {
  const [, browser, system] = form.exec(deviceId) ?? [];
  if (browser && system) return `${browser.replaceAll('.', ' ')} on ${system === 'computer' ? 'a computer' : system}`;
  return platforms[platform] ?? readable(platform);
}
