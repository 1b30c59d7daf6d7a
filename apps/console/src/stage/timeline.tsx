import type { CommunicationCenter, Told } from '@communication-center/client';
import type { Timeline as Log } from '@communication-center/contracts';
import { useEffect, useState } from 'react';
import { refusalSentence } from '../words/refusals.js';

interface Props {
  center: CommunicationCenter;
  callId: string;
  /** The last event known here: a newer one reads the log again. */
  sequence: number;
}

/** What happened in a call, event by event, read back from its log. */
export function Timeline({ center, callId, sequence }: Props) {
  const [log, setLog] = useState<Told<Log>>();
  const [error, setError] = useState<string>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a newer event reads the log again
  useEffect(() => {
    let isWanted = true;
    center.timeline(callId).then(
      (read) => {
        if (!isWanted) return;
        setLog(read);
        setError(undefined);
      },
      (problem: unknown) => {
        if (isWanted) setError(refusalSentence(problem));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [center, callId, sequence]);
  if (error) return <p className="notice bad">{error}</p>;
  if (!log) return <p className="soft">Reading…</p>;
  return (
    <ol className="timeline" aria-label="Timeline">
      {log.events.map((event) => (
        <li key={event.sequence}>
          <code>{event.type}</code>{' '}
          <span className="soft small">
            {new Date(event.time).toLocaleTimeString(undefined, { hour12: false })}.{event.time.slice(20, 23)} {detailOf(event.data)}
          </span>
        </li>
      ))}
    </ol>
  );
}

function detailOf(data: Record<string, unknown>): string {
  const who = data.userAlias ?? data.initiator;
  return [who, data.reason].filter((part) => typeof part === 'string').join(' · ');
}
