import { eventually } from '@communication-center/testing';
import { type ConsolePage, press } from './console-page.js';

/** Where something lies in the window, in pixels of CSS. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** @returns where everything lies that a selector finds and that is shown, in the order of the page. */
export const boxesOf = (page: ConsolePage, selector: string): Promise<Box[]> =>
  page.evaluate(
    (wanted) =>
      [...document.querySelectorAll(wanted)]
        .filter((one) => one.checkVisibility())
        .map((one) => {
          const { x, y, width, height } = one.getBoundingClientRect();
          return { x, y, width, height };
        }),
    selector,
  );

/** @returns the texts of everything shown that a selector finds, as they are read. */
export const textsOf = (page: ConsolePage, selector: string): Promise<string[]> =>
  page.evaluate(
    (wanted) => [...document.querySelectorAll(wanted)].filter((one) => one.checkVisibility()).map((one) => one.textContent.trim()),
    selector,
  );

interface ControlSeen {
  name: string;
  box: Box;
  /** Nothing lies over its middle. */
  isOnTop: boolean;
}

/** @returns the controls of the call, as they lie. */
export const controlsOf = (page: ConsolePage): Promise<ControlSeen[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('[role=toolbar] button')]
      .filter((one) => one.checkVisibility() && !one.closest('.choices'))
      .map((one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return {
          name: one.getAttribute('aria-label') ?? one.textContent.trim(),
          box: { x, y, width, height },
          isOnTop: one.contains(document.elementFromPoint(x + width / 2, y + height / 2)),
        };
      }),
  );

/** Chooses something behind the button "More" of the call. */
export async function chooseMore(page: ConsolePage, name: string): Promise<void> {
  await press(page, 'More', 'toolbar');
  await press(page, name, 'choices');
}

/** @returns how many pictures of others there are to see. */
export const picturesOfOthers = (page: ConsolePage): Promise<number> =>
  page.evaluate(() => document.querySelectorAll('.tiles video:not(.no-picture)').length);

/** @returns whether the pictures in a part of the page are red, each where no pointer lies. */
export const areRed = (page: ConsolePage, part: string): Promise<boolean[]> =>
  page.evaluate((selector) => {
    const drawn = Object.assign(document.createElement('canvas'), { width: 64, height: 36 }).getContext('2d', { willReadFrequently: true });
    return [...document.querySelectorAll<HTMLVideoElement>(`${selector} video:not(.no-picture)`)].map((video) => {
      drawn?.drawImage(video, 0, 0, 64, 36);
      const [red = 0, green = 0, blue = 0] = drawn?.getImageData(16, 9, 1, 1).data ?? [];
      return red > 180 && green < 80 && blue < 80;
    });
  }, part);

/** What has the focus, by the name that is read: undefined where it has fallen to the body. */
export const focused = (page: ConsolePage): Promise<string | undefined> =>
  page.evaluate(() => {
    const active = document.activeElement;
    if (!active || active === document.body) return undefined;
    return active.getAttribute('aria-label') ?? (active.textContent.trim() || active.tagName);
  });

/** Goes to a button by the Tab key alone, once it is there: behind the last of a page lies the browser itself. */
export async function tabTo(page: ConsolePage, name: string): Promise<void> {
  await eventually(`a button ${name}`, () =>
    page.evaluate(
      (wanted) =>
        [...document.querySelectorAll('button')].some((one) => (one.getAttribute('aria-label') ?? one.textContent.trim()) === wanted),
      name,
    ),
  );
  for (let count = 0; count < 60; count += 1) {
    if ((await focused(page)) === name) return;
    await page.key('Tab');
  }
  throw new Error(`Tab never comes to ${name}`);
}

/** Goes to something by keys alone and presses it. */
export async function pressByKey(page: ConsolePage, name: string, key: 'Enter' | ' ' = 'Enter'): Promise<void> {
  await tabTo(page, name);
  await page.key(key);
}

/** @returns whether nothing is wider than the window. */
export const fitsItsWidth = (page: ConsolePage): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);

/** Waits for a row of a table that begins with a name. @returns its cells, once `isIt` says so. */
export const rowOf = (page: ConsolePage, name: string, isIt: (cells: string[]) => boolean): Promise<string[]> =>
  eventually(`the row of ${name}`, async () => (await rowsOf(page)).find((cells) => cells[0] === name && isIt(cells)));

/** @returns the cells of the table that is shown, row by row. */
export const rowsOf = (page: ConsolePage): Promise<string[][]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLTableRowElement>('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent.trim())),
  );
