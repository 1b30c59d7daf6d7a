import type { Page } from 'playwright-core';

interface Watched {
  kept: RTCPeerConnection[];
  gaps: { lastAt: number; longestMs: number };
}

/** From now on it is looked, twenty times a second, whether another picture was decoded on a page, over whichever connection. */
export async function watchFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watched = window as unknown as Watched;
    const seen = new Map<RTCPeerConnection, number>();
    const gaps = { lastAt: performance.now(), longestMs: 0 };
    watched.gaps = gaps;
    const look = async () => {
      let isNew = false;
      for (const connection of watched.kept) {
        if (connection.connectionState === 'closed') continue;
        let frames = 0;
        for (const entry of (await connection.getStats()).values())
          if (entry.type === 'inbound-rtp' && entry.kind === 'video') frames += entry.framesDecoded ?? 0;
        isNew ||= frames > (seen.get(connection) ?? 0);
        seen.set(connection, frames);
      }
      const now = performance.now();
      if (isNew) {
        gaps.longestMs = Math.max(gaps.longestMs, now - gaps.lastAt);
        gaps.lastAt = now;
      }
    };
    let isLooking = false;
    setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      void look().finally(() => {
        isLooking = false;
      });
    }, 50);
  });
}

/** Nothing that was missed until now counts. */
export async function markFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.assign((window as unknown as Watched).gaps, { lastAt: performance.now(), longestMs: 0 });
  });
}

/** @returns the longest time without a new picture since the mark, in milliseconds, the one that lasts still with it. */
export async function longestGap(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { gaps } = window as unknown as Watched;
    return Math.round(Math.max(gaps.longestMs, performance.now() - gaps.lastAt));
  });
}

/** @returns which connections of a page were ever negotiated and are not closed, by the order they were made in. */
export async function livePeers(page: Page): Promise<number[]> {
  return page.evaluate(() =>
    (window as unknown as Watched).kept.flatMap(({ connectionState, remoteDescription }, index) =>
      connectionState !== 'closed' && remoteDescription ? [index] : [],
    ),
  );
}

/** @returns the ICE user fragments of a page's live connections, at its end and at the other: each restart makes new ones (RFC 8445 §9). */
export async function iceFragments(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    (window as unknown as Watched).kept
      .filter(({ connectionState }) => connectionState !== 'closed')
      .flatMap(({ localDescription, remoteDescription }) =>
        [localDescription, remoteDescription].flatMap((one) => /a=ice-ufrag:(\S+)/.exec(one?.sdp ?? '')?.[1] ?? []),
      ),
  );
}
