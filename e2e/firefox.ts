import { existsSync } from 'node:fs';
import type { FarNetwork } from '@communication-center/testing';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import type { ScreenInMemory } from './screen-in-memory.js';

const known = [process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** The Firefox that is installed; undefined without one. */
export const firefoxPath: string | undefined = known.find((path) => path !== undefined && existsSync(path));

/** Devices and rings as in a browser of somebody who allowed them, without asking. */
const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.volume_scale': '0.0',
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
};

interface Surroundings {
  /** Where it is, unless it is here. */
  network?: FarNetwork;
  /** What can be shared; without one there is nothing to choose. */
  screen?: ScreenInMemory;
  /** What its user likes pages to be: Firefox is asked as it starts. */
  colorScheme?: 'light' | 'dark';
}

/** Somebody's Firefox, driven over WebDriver BiDi, with a fake camera and microphone. */
export class Firefox {
  #browser: Promise<Browser> | undefined;

  constructor(private readonly surroundings: Surroundings = {}) {}

  async page(url: string): Promise<Page> {
    this.#browser ??= this.#launch();
    // In a window of its own: tabs that lie behind another one are slowed down.
    const page = await (await this.#browser).newPage({ type: 'window' });
    page.setDefaultTimeout(20_000);
    await page.setViewport({ width: 390, height: 800 });
    await page.goto(url);
    return page;
  }

  async #launch(): Promise<Browser> {
    const { network, screen, colorScheme = 'light' } = this.surroundings;
    const path = firefoxPath ?? '';
    return puppeteer.launch({
      browser: 'firefox',
      executablePath: network?.within(path) ?? path,
      // It listens on its own loopback.
      ...(network && { debuggingPort: await network.reach() }),
      headless: true,
      // Without a window of its own it shares the screen that it is told of all the same.
      ...(screen && { env: { ...process.env, DISPLAY: await screen.start() } }),
      extraPrefsFirefox: { ...preferences, 'layout.css.prefers-color-scheme.content-override': colorScheme === 'dark' ? 0 : 1 },
    });
  }

  async quit(): Promise<void> {
    await (await this.#browser)?.close();
    this.#browser = undefined;
  }
}
