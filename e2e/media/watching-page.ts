import type { Browsers } from '@communication-center/testing';
import type { Page } from 'playwright-core';

/** What a page that watches has in its window for these looks. */
interface Looked {
  looked?: { analyser: AnalyserNode; last: number };
}

/** @returns the page of a broadcast, as somebody has it who was given the link. */
export async function watch(browsers: Browsers, url: string): Promise<Page> {
  const page = await browsers.page(url);
  const plays = await page.evaluate(() => MediaSource.isTypeSupported('video/mp4; codecs="avc1.42C01F,mp4a.40.2"'));
  if (!plays) throw new Error('This Chromium decodes no H.264: set CHROMIUM to one that does');
  return page;
}

/** @returns how much of a broadcast was decoded and shown, how loud it is, and whether its picture is another than when this was last asked. */
export async function playedBy(page: Page) {
  return page.evaluate(() => {
    const own = window as unknown as Looked;
    const video = document.querySelector('video');
    if (!video) throw new Error('no video');
    if (!own.looked && video.readyState > 2) {
      const audio = new AudioContext();
      const analyser = audio.createAnalyser();
      audio.createMediaElementSource(video).connect(analyser).connect(audio.destination);
      own.looked = { analyser, last: 0 };
    }
    const samples = new Float32Array(2048);
    own.looked?.analyser.getFloatTimeDomainData(samples);
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
    const drawn = canvas.getContext('2d');
    drawn?.drawImage(video, 0, 0, 64, 36);
    const sum = [...(drawn?.getImageData(0, 0, 64, 36).data ?? [])].reduce((all, value, index) => all + value * (1 + (index % 97)), 0);
    const isChanging = own.looked !== undefined && own.looked.last !== sum;
    if (own.looked) own.looked.last = sum;
    const { totalVideoFrames: frames } = video.getVideoPlaybackQuality();
    return { frames, time: video.currentTime, loudness: samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0), isChanging };
  });
}

/** @returns what a page tells in figures. */
export function figuresIn(text: string | null): { viewers: number; behind: number } | undefined {
  const found = /^(\d+) watching, ([\d.]+) s behind$/.exec(text ?? '');
  return found ? { viewers: Number(found[1]), behind: Number(found[2]) } : undefined;
}
