import { CenterError, type CommunicationCenter, type Told } from '@communication-center/client';
import type { QualityPoint, QualitySeries, QualityView } from '@communication-center/contracts';
import { useEffect, useState } from 'react';
import { refusalSentence } from '../words/refusals.js';
import { Plot } from './plot.js';
import type { PlotPoint } from './plot-path.js';

interface Props {
  center: CommunicationCenter;
  callId: string;
  /** Whether the call goes on: then it is read again and again. */
  isLive: boolean;
  nameOf: (userAlias: string) => string;
}

const readEveryMs = 10_000;

/** How the media of a call goes, or went, on this user's devices: figures, and their course as lines. */
export function Quality({ center, callId, isLive, nameOf }: Props) {
  const { view, error } = useQuality(center, callId, isLive);
  if (error) return <p className="notice bad">{error}</p>;
  const mine = view?.participants[0];
  return (
    <section className="quality" aria-label="Sound and picture">
      <h3>Sound and picture</h3>
      {view === undefined && <p className="soft">Reading…</p>}
      {view === null && <p className="soft">Nothing was measured.</p>}
      {mine && <p className="small">{summaryText(mine)}</p>}
      {mine?.streams.map((series) => (
        <Course key={keyOf(series)} series={series} name={nameOf(series.from)} />
      ))}
    </section>
  );
}

/** @returns what was read: undefined before that, null where nothing is kept. */
function useQuality(center: CommunicationCenter, callId: string, isLive: boolean) {
  const [view, setView] = useState<Told<QualityView> | null>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    let isWanted = true;
    const take = (read: Told<QualityView> | null, problem?: string) => {
      if (!isWanted) return;
      setView(read);
      setError(problem);
    };
    const read = () =>
      center.quality(callId).then(
        (told) => take(told),
        (problem: unknown) => {
          const isNone = problem instanceof CenterError && problem.code === 'not_found';
          take(null, isNone ? undefined : refusalSentence(problem));
        },
      );
    void read();
    const timer = isLive ? setInterval(() => void read(), readEveryMs) : undefined;
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [center, callId, isLive]);
  return { view, error };
}

function Course({ series, name }: { series: Told<QualitySeries>; name: string }) {
  const thing = series.media === 'audio' ? 'sound' : series.kind === 'screen' ? 'screen' : 'picture';
  const what = series.way === 'sent' ? `Your ${thing}` : `${thing[0]?.toUpperCase()}${thing.slice(1)} from ${name}`;
  const line = (of: (point: Told<QualityPoint>) => number | null): PlotPoint[] =>
    series.points.map((point) => ({ at: Date.parse(point.at), value: of(point) }));
  const hasLoss = series.points.some(({ lossPercent }) => (lossPercent ?? 0) > 0);
  return (
    <>
      <Plot what={what} unit="kbit/s" points={line(({ kbps }) => kbps)} />
      {hasLoss && <Plot what={`${what}, lost`} unit="%" points={line(({ lossPercent }) => lossPercent)} />}
    </>
  );
}

type Mine = Told<QualityView>['participants'][number];

function summaryText({ score, roundTripMs, lossPercent, freezes, candidateType }: Mine): string {
  const parts = [
    score === null ? undefined : `Score of what you heard: ${score.toFixed(1)} of 4.5`,
    roundTripMs === null ? undefined : `${Math.round(roundTripMs)} ms there and back`,
    lossPercent === null ? undefined : `${lossPercent.toFixed(1)} % lost`,
    freezes === 0 ? undefined : `pictures stood still ${freezes === 1 ? 'once' : `${freezes} times`}`,
    candidateType === 'relay' ? 'through a relay' : undefined,
  ];
  return parts.filter(Boolean).join(' · ');
}

const keyOf = ({ deviceId, way, from, kind, media }: Told<QualitySeries>) => [deviceId, way, from, kind, media].join(' ');
