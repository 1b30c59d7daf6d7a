import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const argsFor = (picturesPerSecond: number) => [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Five pictures a second show as well as thirty whether they arrive, and leave the processor to others. The fourth camera is as the first.
  `--use-fake-device-for-media-stream=fps=${picturesPerSecond},device-count=4`,
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--mute-audio',
  // A page that is behind another one is looked at as well.
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--disable-background-timer-throttling',
];

/** @returns the Chromium that is installed. @throws Error that says how to get one. */
function chromiumPath(): string {
  const found = [
    process.env.CHROMIUM,
    '/usr/bin/chromium-headless-shell',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((path) => path && existsSync(path));
  if (!found) throw new Error('No Chromium was found: install one (Debian: apt-get install chromium), or set CHROMIUM to its path');
  return found;
}

/** People's browsers, each with a profile, a fake camera and a fake microphone of its own; they share one process, which costs most. */
export class Browsers {
  #chromium: Promise<Browser> | undefined;
  readonly #open: BrowserContext[] = [];
  /** What pages did against their policy, as the browser told it. */
  #broken: string[] = [];

  /** @param within makes the path of Chromium one that starts it elsewhere, as in a network of its own. @param picturesPerSecond of the fake cameras. */
  constructor(
    private readonly within = (program: string) => program,
    private readonly picturesPerSecond = 5,
  ) {}

  /**
   * @param options.breaksPolicy for a page that the test has do what its policy forbids; any other that does fails {@link closeAll}.
   * @param options.isFree whether the page may reach what its policy does not let it, as a detour.
   */
  async page(url: string, { width = 1000, height = 900, breaksPolicy = false, isFree = false } = {}): Promise<Page> {
    this.#chromium ??= chromium.launch({
      executablePath: this.within(chromiumPath()),
      headless: true,
      args: argsFor(this.picturesPerSecond),
    });
    const context = await (await this.#chromium).newContext({ viewport: { width, height }, bypassCSP: isFree });
    context.setDefaultTimeout(25_000);
    this.#open.push(context);
    const page = await context.newPage();
    page.on('console', (message) => {
      if (!breaksPolicy && /Content.Security.Policy|^Refused to/i.test(message.text())) this.#broken.push(message.text());
    });
    // The first page waits until the process is there.
    await page.goto(url, { timeout: 45_000 });
    return page;
  }

  /** @throws Error that tells what pages did against their policy since the last time. */
  async closeAll(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((context) => context.close()));
    const broken = this.#broken.splice(0);
    if (broken.length > 0) throw new Error(`A page broke its policy: ${broken.join('; ')}`);
  }

  /** Ends the process. */
  async quit(): Promise<void> {
    const chromium = this.#chromium;
    this.#chromium = undefined;
    await this.closeAll().finally(async () => (await chromium)?.close());
  }
}
