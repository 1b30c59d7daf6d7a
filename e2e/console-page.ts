import { type Browsers, eventually, type Fleet, type TestApp } from '@communication-center/testing';
import type { Page as ChromiumPage } from 'playwright-core';
import type { Page as FirefoxPage } from 'puppeteer-core';
import type { Firefox } from './firefox.js';

type Key = 'Enter' | 'Escape' | 'Tab' | 'ArrowDown' | 'Backspace' | ' ';
export type ColorScheme = 'light' | 'dark';
/** A part of the page, by its element. */
type Part = 'nav' | 'toolbar' | 'dialog' | 'alert' | 'call-bar' | 'choices' | 'sheet';

/** A page of the console, in whichever browser: all that is done with one by journeys that each browser makes. */
export interface ConsolePage {
  evaluate<R>(run: () => R | Promise<R>): Promise<R>;
  evaluate<R, A>(run: (given: A) => R | Promise<R>, given: A): Promise<R>;
  /** Runs a script of the test's, which the policy of the page does not know. */
  run(script: string): Promise<void>;
  /** Clicks what an XPath finds, once it is visible. */
  click(xpath: string): Promise<void>;
  key(key: Key): Promise<void>;
  type(text: string): Promise<void>;
  /** Has its user like pages to be light, or dark. */
  like(colorScheme: ColorScheme): Promise<void>;
  /** Makes the window so large, in pixels of CSS. */
  resize(width: number, height: number): Promise<void>;
  /** Writes what is to be seen of it into a file, as PNG. */
  shoot(path: string): Promise<void>;
  reload(): Promise<void>;
  close(): Promise<void>;
}

const patienceMs = 20_000;

const parts: Record<Part, string> = {
  nav: '//nav',
  toolbar: '//*[@role="toolbar"]',
  dialog: '//*[@role="dialog"]',
  alert: '//*[@role="alert"]',
  'call-bar': '//*[@class="call-bar"]',
  choices: '//*[@class="choices"]',
  sheet: '//*[@class="sheet"]',
};

/** @returns how a button is found by its name, in a part of the page where the name is there more than once. */
const buttonPath = (name: string, part?: Part) =>
  `${part ? parts[part] : ''}//button[normalize-space()="${name}" or @aria-label="${name}"]`;

function chromiumConsole(page: ChromiumPage): ConsolePage {
  return {
    evaluate: <R, A>(run: (given: A) => R | Promise<R>, given?: A) => page.evaluate(run as never, given) as Promise<R>,
    run: async (script) => void (await page.evaluate(script)),
    click: (xpath) => page.locator(`xpath=${xpath}`).filter({ visible: true }).first().click(),
    key: (key) => page.keyboard.press(key),
    type: (text) => page.keyboard.type(text),
    like: (colorScheme) => page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }),
    resize: (width, height) => page.setViewportSize({ width, height }),
    shoot: async (path) => void (await page.screenshot({ path })),
    reload: async () => void (await page.reload()),
    close: () => page.close(),
  };
}

function firefoxConsole(page: FirefoxPage): ConsolePage {
  return {
    evaluate: <R, A>(run: (given: A) => R | Promise<R>, given?: A) => page.evaluate(run as never, given as never) as Promise<R>,
    run: async (script) => void (await page.evaluate(script)),
    click: async (xpath) => {
      // Whose window lies behind another one is told of no devices.
      await page.bringToFront();
      const element = await page.waitForSelector(`::-p-xpath(${xpath})`, { visible: true, timeout: patienceMs });
      await element?.click();
    },
    key: (key) => page.keyboard.press(key),
    type: (text) => page.keyboard.type(text),
    like: async (colorScheme) => {
      const isSo = await page.evaluate((wanted) => matchMedia(`(prefers-color-scheme: ${wanted})`).matches, colorScheme);
      if (!isSo) throw new Error(`Firefox is told as it starts what its user likes: this one was not told ${colorScheme}`);
    },
    resize: (width, height) => page.setViewport({ width, height }),
    shoot: async (path) => void (await page.screenshot({ path: path as `${string}.png` })),
    reload: async () => void (await page.reload()),
    close: () => page.close(),
  };
}

/** Opens the console in a browser and signs somebody in. */
export async function consoleOf(browser: Browsers | Firefox, fleet: Fleet, app: TestApp, userAlias: string): Promise<ConsolePage> {
  const url = `${fleet.url}/?app=${app.appId}&alias=${userAlias}`;
  const page = 'closeAll' in browser ? chromiumConsole(await browser.page(url)) : firefoxConsole(await browser.page(url));
  await page.evaluate(keepWhatIsSent);
  await press(page, 'Sign in');
  await says(page, 'Find somebody');
  return page;
}

interface Kept {
  kept: RTCPeerConnection[];
  tracks: MediaStreamTrack[];
  marked: Map<string, number>;
  /** What becomes of a wish for devices before the platform hears of it. */
  devices: { before: (wish: MediaStreamConstraints | undefined) => Promise<void>; release: () => void };
}

/** Keeps every peer connection that the page makes, and every track of a device, so that it can be asked what they carry. */
function keepWhatIsSent(): void {
  Object.assign(window, { kept: [], tracks: [], marked: new Map(), devices: { before: async () => undefined, release: () => undefined } });
  const here = window as unknown as Kept;
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(config?: RTCConfiguration) {
      super(config);
      here.kept.push(this);
    }
  };
  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wish) => {
    await here.devices.before(wish);
    const stream = await open(wish);
    here.tracks.push(...stream.getTracks());
    return stream;
  };
}

/** The platform asks the user for devices, who does not answer before {@link releaseDevices}. */
export const holdDevices = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const { devices } = window as unknown as Kept;
    const held = new Promise<void>((resolve) => {
      devices.release = resolve;
    });
    devices.before = () => held;
  });

/** The user does not let the page use the camera, before {@link releaseDevices}. */
export const refuseCamera = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const { devices } = window as unknown as Kept;
    devices.before = async (wish) => {
      if (wish?.video) throw new DOMException('no', 'NotAllowedError');
    };
  });

export const releaseDevices = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const { devices } = window as unknown as Kept;
    devices.before = async () => undefined;
    devices.release();
  });

/** @returns how many tracks of devices are live, and switched on. */
export const liveTracks = (page: ConsolePage): Promise<number> =>
  page.evaluate(() => (window as unknown as Kept).tracks.filter(({ readyState, enabled }) => readyState === 'live' && enabled).length);

/** Waits for a picture of another. @returns how far it has come, in seconds. */
export const picture = (page: ConsolePage): Promise<number> =>
  eventually(
    'a picture',
    () =>
      page.evaluate(() => {
        const video = document.querySelector<HTMLVideoElement>('.tiles video:not(.no-picture)');
        return video && video.videoWidth > 0 && video.currentTime > 0 ? video.currentTime : undefined;
      }),
    patienceMs,
  );

export const press = (page: ConsolePage, name: string, part?: Part): Promise<void> => page.click(buttonPath(name, part));

/** Whether a text is to be seen. */
export const isSaid = (page: ConsolePage, text: string): Promise<boolean> =>
  page.evaluate((said) => {
    const holds = ({ textContent }: Element) => textContent.includes(said);
    const innermost = [...document.querySelectorAll('#root *')].filter((one) => holds(one) && ![...one.children].some(holds));
    return innermost.some((one) => one.checkVisibility());
  }, text);

export const says = (page: ConsolePage, text: string, withinMs = patienceMs): Promise<boolean> =>
  eventually(`the page saying "${text}"`, () => isSaid(page, text), withinMs);

export const saysNoMore = (page: ConsolePage, text: string): Promise<boolean> =>
  eventually(`"${text}" being gone from the page`, async () => !(await isSaid(page, text)), patienceMs);

/** A call is up, as the page says it. */
export const connected = (page: ConsolePage): Promise<boolean> =>
  eventually(
    'the call being up',
    () => page.evaluate(() => document.querySelector('.call-state')?.textContent.includes('Connected')),
    patienceMs,
  );

/** Dials somebody, whether or not the list has the person yet. @param name as which the person is listed. */
export async function dialFrom(page: ConsolePage, userAlias: string, by: 'video' | 'voice' = 'video', name = userAlias): Promise<void> {
  await page.click('//input[ancestor::label[contains(., "Find somebody")] or @aria-label="Find somebody"]');
  await page.type(userAlias);
  await press(page, by === 'video' ? `Call ${name}` : `Call ${name} by voice`);
}

/** Has one call another, who answers, until each has sound and picture of the other. */
export async function callBetween(caller: ConsolePage, callee: ConsolePage, calleeAlias: string): Promise<void> {
  await dialFrom(caller, calleeAlias);
  await press(callee, 'Answer', 'dialog');
  await Promise.all([caller, callee].map(hasMedia));
}

/** From now on counts what arrives. */
export const mark = (page: ConsolePage): Promise<void> =>
  page.evaluate(async () => {
    const { kept, marked } = window as unknown as Kept;
    marked.clear();
    for (const [index, connection] of kept.entries())
      for (const entry of (await connection.getStats()).values())
        if (entry.type === 'inbound-rtp') marked.set(`${index} ${entry.id}`, entry.framesDecoded ?? entry.packetsReceived);
  });

/** @returns pictures decoded, and packets of sound received, since the {@link mark}. */
export const arrivedSince = (page: ConsolePage): Promise<{ frames: number; sound: number }> =>
  page.evaluate(async () => {
    const { kept, marked } = window as unknown as Kept;
    const arrived = { frames: 0, sound: 0 };
    for (const [index, connection] of kept.entries()) {
      if (connection.connectionState === 'closed') continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type !== 'inbound-rtp') continue;
        const before = marked.get(`${index} ${entry.id}`) ?? 0;
        if (entry.kind === 'video') arrived.frames += Math.max(0, (entry.framesDecoded ?? 0) - before);
        else arrived.sound += Math.max(0, (entry.packetsReceived ?? 0) - before);
      }
    }
    return arrived;
  });

/** Sound and picture come from now on. */
export async function hasMedia(page: ConsolePage): Promise<void> {
  await mark(page);
  await eventually(
    'sound and picture',
    async () => {
      const { frames, sound } = await arrivedSince(page);
      return frames > 3 && sound > 10;
    },
    25_000,
  );
}
