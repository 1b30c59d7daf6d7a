import { existsSync } from 'node:fs';
import type { FarNetwork } from '@communication-center/testing';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

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

/** Somebody's Firefox, driven over WebDriver BiDi, with a fake camera and microphone. */
export class Firefox {
  #browser: Promise<Browser> | undefined;

  /** @param network where it is, unless it is here. */
  constructor(private readonly network?: FarNetwork) {}

  async page(url: string): Promise<Page> {
    this.#browser ??= this.#launch();
    const page = await (await this.#browser).newPage();
    page.setDefaultTimeout(20_000);
    await page.setViewport({ width: 390, height: 800 });
    await page.goto(url);
    return page;
  }

  async #launch(): Promise<Browser> {
    const path = firefoxPath ?? '';
    return puppeteer.launch({
      browser: 'firefox',
      executablePath: this.network?.within(path) ?? path,
      // It listens on its own loopback.
      ...(this.network && { debuggingPort: await this.network.reach() }),
      headless: true,
      extraPrefsFirefox: preferences,
    });
  }

  async quit(): Promise<void> {
    await (await this.#browser)?.close();
    this.#browser = undefined;
  }
}
