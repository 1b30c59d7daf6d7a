/*
 * The page works within what the door lets it do: whatever people do in any test with a browser, the policy of no page is broken. And
 * what is not of the page is kept out: a script that somebody slips in does not run, a stranger's page shows it in no frame.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const browsers = new Browsers();

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

const broken = (page: Page) => page.evaluate(() => (window as unknown as { broken: string[] }).broken);
const listen = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    Object.assign(window, { broken: found });
    document.addEventListener('securitypolicyviolation', (event) => found.push(`${event.violatedDirective} ${event.blockedURI}`));
  });

test('a page that breaks its policy unasked is told of when the pages are closed, so that no journey of any test does', async () => {
  const page = await browsers.page(fleet.url);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  });
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await expect(browsers.closeAll()).rejects.toThrow('Content Security Policy');
});

test('a script that is slipped into the page does not run, and nothing is sent elsewhere', async () => {
  const page = await browsers.page(fleet.url, { breaksPolicy: true });
  await listen(page);
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    const image = document.createElement('div');
    image.innerHTML = '<img src="data:image/png;base64,AA" onerror="window.ran = true">';
    document.body.append(image);
    const sent = await fetch('https://elsewhere.example.com/', { mode: 'no-cors' }).then(
      () => true,
      () => false,
    );
    await new Promise((done) => setTimeout(done, 200));
    return { ran: 'ran' in window, sent };
  });
  expect(ran).toEqual({ ran: false, sent: false });
  const told = (await broken(page)).map((one) => one.split(' ')[0]);
  expect(told).toEqual(expect.arrayContaining(['script-src-elem', 'connect-src']));
});

test("a stranger's page shows it in no frame", async () => {
  const stranger = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(`<iframe src="${fleet.url}/" title="framed"></iframe>`);
  }).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  try {
    const page = await browsers.page(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`, { breaksPolicy: true });
    const frame = page.frames().find((one) => one !== page.mainFrame());
    await eventually('the frame being refused', async () => frame?.url().startsWith('chrome-error:'));
    expect(await frame?.locator('input').count()).toBe(0);
  } finally {
    stranger.closeAllConnections();
    stranger.close();
  }
});
