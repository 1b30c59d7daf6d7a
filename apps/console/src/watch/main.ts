import '../style/base.css';
import '../style/watch.css';
import type { BroadcastWatched } from '@communication-center/contracts/broadcasts';
import { Player } from './player.js';
import { behindMs, figuresOf, type Known, sentenceOf, tokenIn } from './told.js';

const askEveryMs = 2000;
const tellEveryMs = 500;

const part = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const video = part<HTMLVideoElement>('screen');
const token = tokenIn(location.hash);
const base = `/v1/broadcast-streams/${token}`;

let known: Known = token === undefined ? 'gone' : undefined;
/** How far this device's clock is ahead of the service's, by the answer that came fastest. */
let clock: { ahead: number; trip: number } | undefined;
let player: Player | undefined;

async function ask(): Promise<void> {
  const asked = Date.now();
  const answer = await fetch(`${base}/status`, { signal: AbortSignal.timeout(5000), cache: 'no-store' });
  const trip = Date.now() - asked;
  if (answer.status === 404) known = 'gone';
  if (!answer.ok) return;
  const told = (await answer.json()) as BroadcastWatched;
  known = told;
  if (!clock || trip <= clock.trip) clock = { ahead: asked + trip / 2 - Date.parse(told.now), trip };
}

function show(): void {
  const behind = behindMs(player?.shownAt, Date.now(), clock?.ahead ?? 0);
  part('state').textContent = sentenceOf(known);
  part('figures').textContent = figuresOf(known, behind);
  part('sound').hidden = !(player && video.muted);
  if (typeof known === 'object' && known.state === 'live') player ??= new Player(video, `${base}/index.m3u8`);
}

async function follow(): Promise<void> {
  for (;;) {
    if (known !== 'gone') await ask().catch(() => undefined);
    show();
    const isOver = typeof known === 'object' ? known.state === 'stopped' || known.state === 'failed' : known === 'gone';
    if (isOver) return player?.finish();
    await new Promise((resolve) => setTimeout(resolve, askEveryMs * (0.75 + Math.random() / 2)));
  }
}

part('sound').addEventListener('click', () => {
  video.muted = false;
  show();
});
// A link that is put into a page that is open leads elsewhere.
addEventListener('hashchange', () => location.reload());
setInterval(show, tellEveryMs);
void follow();
