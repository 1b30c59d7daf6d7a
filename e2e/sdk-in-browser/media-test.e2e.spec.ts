/*
 * Before a call a page finds out how one would go: what it sends to Janus comes back, and is measured; what it may ask so is rationed.
 */
import { Browsers, Fleet } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

test('noise that is sent to Janus comes back and is measured, and after a few tests the user is told to wait', async () => {
  const app = await fleet.makeApp({ options: { limits: { media_tests: { user: { perSecond: 0.01, burst: 1 } } } } });
  const page = await SdkPage.open(browsers, fleet, app, 'alice');
  const report = await page.testMedia();
  expect(report).toMatchObject({ problem: null, turn: [], echo: { candidateType: expect.any(String), lossPercent: expect.any(Number) } });
  expect(report.echo?.upKbps).toBeGreaterThan(50);
  expect(report.echo?.downKbps).toBeGreaterThan(50);
  expect(report.echo?.roundTripMs).toBeLessThan(1000);
  expect(report.verdict).not.toBe('failed');
  await expect(page.testMedia()).rejects.toThrow(/rate_limited/);
  const sdp = await fleet.rest<{ code: string }>('POST', '/v1/media/test', await fleet.tokenOf(app, 'alice'), { sdp: '' });
  expect([sdp.status, sdp.body.code]).toEqual([400, 'invalid_request']);
}, 60_000);
