import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Five pictures a second show as well as thirty whether they arrive, and leave the processor to others. The fourth camera is as the first.
  '--use-fake-device-for-media-stream=fps=5,device-count=4',
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
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  );
  if (!found) throw new Error('No Chromium was found: install one (Debian: apt-get install chromium), or set CHROMIUM to its path');
  return found;
}

/** People's browsers, each with a profile, a fake camera and a fake microphone of its own; they share one process, which costs most. */
export class Browsers {
  #chromium: Promise<Browser> | undefined;
  readonly #open: BrowserContext[] = [];

  /** @param within makes the path of Chromium one that starts it elsewhere, as in a network of its own. */
  constructor(private readonly within = (program: string) => program) {}

  async page(url: string, { width = 1000, height = 900 } = {}): Promise<Page> {
    this.#chromium ??= chromium.launch({ executablePath: this.within(chromiumPath()), headless: true, args });
    const context = await (await this.#chromium).newContext({ viewport: { width, height } });
    context.setDefaultTimeout(15_000);
    this.#open.push(context);
    const page = await context.newPage();
    // The first page waits until the process is there.
    await page.goto(url, { timeout: 45_000 });
    return page;
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((context) => context.close()));
  }

  /** Ends the process. */
  async quit(): Promise<void> {
    await this.closeAll();
    await (await this.#chromium)?.close();
    this.#chromium = undefined;
  }
}
