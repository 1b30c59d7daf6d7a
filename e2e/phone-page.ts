import { type Browsers, eventually, type Fleet, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';

/** Opens the console in a browser of its own and signs somebody in. */
export async function pageOf(
  browsers: Browsers,
  fleet: Fleet,
  app: TestApp,
  userAlias: string,
  window?: { width?: number; height?: number; isFree?: boolean },
): Promise<Page> {
  const page = await browsers.page(`${fleet.url}/?app=${app.appId}&alias=${userAlias}`, window);
  await page.evaluate(countPeerConnections);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('region', { name: 'Whom to call' }).waitFor();
  return page;
}

/** Keeps every peer connection the page makes, so that the test can ask what arrived on it; and leads its sockets as `detours` says. */
function countPeerConnections(): void {
  const kept: RTCPeerConnection[] = [];
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(config?: RTCConfiguration) {
      super(config);
      kept.push(this);
    }
  };
  const detours: Record<string, string> = {};
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(detours[new URL(url).origin] ?? url, protocols);
    }
  };
  Object.assign(window, { kept, detours });
}

interface Arrived {
  framesDecoded: number;
  audioPackets: number;
}

/** Reads what the page received so far, from WebRTC's own statistics. */
export async function arrivedAt(page: Page): Promise<Arrived> {
  return page.evaluate(async () => {
    const total = { framesDecoded: 0, audioPackets: 0 };
    for (const connection of (window as unknown as { kept: RTCPeerConnection[] }).kept) {
      if (connection.connectionState === 'closed') continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type !== 'inbound-rtp') continue;
        if (entry.kind === 'video') total.framesDecoded += entry.framesDecoded ?? 0;
        else total.audioPackets += entry.packetsReceived ?? 0;
      }
    }
    return total;
  });
}

/** What is decoded of the pictures of a part of the page. */
interface Pictures {
  frames: number;
  /** Of pictures that are decoded and do not lie there. */
  framesElsewhere: number;
}

/** @returns what WebRTC's own statistics say of the pictures that lie in a part of the page, by its selector. */
export async function picturesIn(page: Page, part: string): Promise<Pictures> {
  return page.evaluate(async (selector) => {
    const pictures: Pictures = { frames: 0, framesElsewhere: 0 };
    const shown = [...document.querySelectorAll<HTMLVideoElement>(`${selector} video`)].map(
      ({ srcObject }) => srcObject as MediaStream | null,
    );
    const tracks = new Set(shown.flatMap((stream) => (stream?.getVideoTracks() ?? []).map(({ id }) => id)));
    for (const connection of (window as unknown as { kept: RTCPeerConnection[] }).kept) {
      if (connection.connectionState === 'closed') continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type !== 'inbound-rtp' || entry.kind !== 'video') continue;
        if (tracks.has(entry.trackIdentifier)) pictures.frames += entry.framesDecoded ?? 0;
        else pictures.framesElsewhere += entry.framesDecoded ?? 0;
      }
    }
    return pictures;
  }, part);
}

/** Dials somebody from a phone's page, whether or not the list has the person yet. */
export async function dial(page: Page, userAlias: string, by: 'video' | 'voice' = 'video'): Promise<void> {
  await page.getByRole('textbox', { name: 'Find somebody' }).fill(userAlias);
  const name = by === 'video' ? `Call ${userAlias}` : `Call ${userAlias} by voice`;
  await page.getByRole('region', { name: 'Whom to call' }).getByRole('button', { name, exact: true }).click();
}

/** Answers what rings on a page. */
export const answer = (page: Page): Promise<void> => page.getByRole('button', { name: 'Answer', exact: true }).click();

/** Waits until a call is up on a page. */
export const connected = (page: Page): Promise<void> =>
  page.getByRole('region', { name: 'Current call' }).getByText('Connected', { exact: true }).waitFor();

/** Hangs up on one page, and waits until all of them have told so. */
export async function hangUp(page: Page, others: Page[], name: string): Promise<void> {
  await page.getByRole('button', { name: 'Hang up', exact: true }).click();
  await page.getByText(/^You hung up/).waitFor();
  for (const other of others) await other.getByText(`${name} hung up`, { exact: true }).waitFor();
}

/** All of them receive sound and picture, that keep coming for two seconds. */
export async function expectMediaBothWays(pages: Page[]): Promise<void> {
  await Promise.all(pages.map(expectMedia));
}

async function expectMedia(page: Page): Promise<void> {
  const first = await eventually(
    'the first picture and sound',
    async () => {
      const arrived = await arrivedAt(page);
      return arrived.framesDecoded > 0 && arrived.audioPackets > 0 && arrived;
    },
    25_000,
  );
  await eventually(
    'two more seconds of picture and sound',
    async () => {
      const later = await arrivedAt(page);
      return later.framesDecoded >= first.framesDecoded + 10 && later.audioPackets >= first.audioPackets + 30;
    },
    15_000,
  );
}
