import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Ten pictures a second show as well as thirty whether they arrive, and leave the processor to others.
  '--use-fake-device-for-media-stream=fps=10',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--mute-audio',
];

/** @returns the Chromium that is installed. @throws Error that says how to get one. */
function chromiumPath(): string {
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  );
  if (!found) throw new Error('No Chromium was found: install one (Debian: apt-get install chromium), or set CHROMIUM to its path');
  return found;
}

/** Real browsers, each with a profile of its own, a fake camera and a fake microphone. */
export class Browsers {
  readonly #open: { context: BrowserContext; profile: string }[] = [];

  async page(url: string, { width = 1000, height = 900 } = {}): Promise<Page> {
    const profile = mkdtempSync(join(tmpdir(), 'communication-center-browser-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath(),
      headless: true,
      args,
      viewport: { width, height },
    });
    context.setDefaultTimeout(15_000);
    this.#open.push({ context, profile });
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(url);
    return page;
  }

  async closeAll(): Promise<void> {
    for (const { context, profile } of this.#open.splice(0)) {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}
