import type { MediaTest, Told } from '@communication-center/contracts';
import { CenterError } from './center-error.js';
import { type EchoFigures, echo } from './media-test-echo.js';

/** Whether a TURN server was reached, by one of the ways that it has. */
export interface TurnReached {
  url: string;
  /** By which it is reached. */
  transport: 'udp' | 'tcp' | 'tls';
  isReached: boolean;
  /** How long that took, in milliseconds. */
  ms: number | null;
}

/** How the media of a call would go from this device, at this moment. */
export interface MediaTestReport {
  /** `good`: a call with pictures; `poor`: sound gets through, pictures may not; `failed`: nothing does. */
  verdict: 'good' | 'poor' | 'failed';
  /** Each TURN server that a call may use, by each transport; none where the Center has none. */
  turn: TurnReached[];
  /** What came back from Janus; null where it was not reached, and `problem` says why. */
  echo: EchoFigures | null;
  problem: string | null;
}

export interface MediaTestOptions {
  /** For so long what comes back is measured, in seconds: 1 to 10. */
  seconds?: number;
}

type Ask = (sdp?: string) => Promise<Told<MediaTest>>;

/** How long a TURN server is waited for, in milliseconds. */
const relayMs = 5000;
/** Servers that are asked at most. */
const mostServers = 8;
/** Below this sound suffers, and above that pictures do (in milliseconds, percent, kilobits a second). */
const limits = { roundTripMs: 400, lossPercent: 5, kbps: 300 };

/** @param ask asks the Center. @throws CenterError as the Center refuses, `invalid_request` where the platform has no WebRTC. */
export async function testMedia(ask: Ask, { seconds = 5 }: MediaTestOptions = {}): Promise<MediaTestReport> {
  if (typeof RTCPeerConnection === 'undefined')
    throw new CenterError('invalid_request', 'This platform has no WebRTC: there is nothing to test');
  const { iceServers, kbps } = await ask();
  const [turn, echoed] = await Promise.all([
    Promise.all(turnsIn(iceServers as RTCIceServer[]).map(reach)),
    echo({ iceServers: iceServers as RTCIceServer[], kbps, ask, ms: Math.min(10, Math.max(1, seconds)) * 1000 }).then(
      (figures) => ({ figures, problem: null }),
      (error: unknown) => {
        if (error instanceof CenterError) throw error;
        return { figures: null, problem: error instanceof Error ? error.message : String(error) };
      },
    ),
  ]);
  return { verdict: verdictOn(echoed.figures), turn, echo: echoed.figures, problem: echoed.problem };
}

/** @returns how a call would go. */
export function verdictOn(figures: EchoFigures | null): MediaTestReport['verdict'] {
  if (!figures || figures.downKbps === 0) return 'failed';
  const { roundTripMs, lossPercent, upKbps } = figures;
  const isPoor = (roundTripMs ?? 0) > limits.roundTripMs || (lossPercent ?? 0) > limits.lossPercent || upKbps < limits.kbps;
  return isPoor ? 'poor' : 'good';
}

interface Turn {
  server: RTCIceServer;
  url: string;
  transport: TurnReached['transport'];
}

/** @returns each TURN server with each way to it: one that names no transport is tried over UDP and over TCP (RFC 7065 §3.1). */
export function turnsIn(iceServers: readonly RTCIceServer[]): Turn[] {
  const turns = iceServers.flatMap((server) =>
    [server.urls].flat().flatMap((url): Turn[] => {
      const scheme = /^(turns?):/.exec(url)?.[1];
      if (scheme === 'turns') return [{ server, url, transport: 'tls' }];
      if (scheme !== 'turn') return [];
      const said = /[?&]transport=(udp|tcp)/.exec(url)?.[1] as 'udp' | 'tcp' | undefined;
      if (said) return [{ server, url, transport: said }];
      return (['udp', 'tcp'] as const).map((transport) => ({ server, url: `${url}?transport=${transport}`, transport }));
    }),
  );
  return turns.slice(0, mostServers);
}

/** Whether a server gives an address that relays: nothing else is a sign that it is there and lets this user in. */
async function reach({ server, url, transport }: Turn): Promise<TurnReached> {
  const startedAt = performance.now();
  const peer = new RTCPeerConnection({ iceServers: [{ ...server, urls: [url] }], iceTransportPolicy: 'relay' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const isReached = await new Promise<boolean>((resolve, reject) => {
      timer = setTimeout(() => resolve(false), relayMs);
      peer.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve(false);
        else if (/ typ relay /.test(`${candidate.candidate} `)) resolve(true);
      };
      peer.addTransceiver('audio', { direction: 'sendonly' });
      peer
        .createOffer()
        .then((offer) => peer.setLocalDescription(offer))
        .catch(reject);
    }).catch(() => false);
    return { url, transport, isReached, ms: isReached ? Math.round(performance.now() - startedAt) : null };
  } finally {
    clearTimeout(timer);
    peer.close();
  }
}
