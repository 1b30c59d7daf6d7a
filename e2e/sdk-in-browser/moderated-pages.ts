import { type Browsers, eventually, type Fleet, type TestApp } from '@communication-center/testing';
import { expect } from 'vitest';
import { SdkPage } from './sdk-page.js';

/** Alice, who called, and bob, who hear and see each other. */
export async function inCall(browsers: Browsers, fleet: Fleet, app: TestApp): Promise<[SdkPage, SdkPage]> {
  await fleet.makeUser(app, 'bob');
  const alice = await SdkPage.open(browsers, fleet, app, 'alice');
  const bob = await SdkPage.open(browsers, fleet, app, 'bob');
  await alice.dial('bob');
  await alice.takeUp('bob');
  await bob.takeUp('alice');
  await bob.answer();
  await eventually('sound and picture', async () => (await alice.seen()).packets > 0 && (await alice.seen()).frames > 0, 20_000);
  return [alice, bob];
}

/** @returns what arrives at a page in a second: packets of sound, and frames of picture. */
export async function arriving(page: SdkPage): Promise<{ packets: number; frames: number }> {
  const before = await page.seen();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const after = await page.seen();
  return { packets: after.packets - before.packets, frames: after.frames - before.frames };
}

/** Has bob's page send sound past the SDK, and sees that alice gets none of it, but the picture. */
export async function expectPictureAlone([alice, bob]: [SdkPage, SdkPage], when: string): Promise<void> {
  await eventually(`a picture ${when}`, async () => (await arriving(alice)).frames > 2, 40_000);
  const heard = await eventually(`sound being sent ${when}`, async () => {
    await bob.sendAll();
    const before = await bob.seen();
    const { packets, frames } = await arriving(alice);
    const isSent = (await bob.seen()).sentPackets - before.sentPackets > 20;
    // Fewer than before: another connection took the place of the one that was counted.
    return isSent && frames > 2 && packets >= 0 && { packets };
  });
  expect(heard, when).toEqual({ packets: 0 });
}
