import type { CommunicationCenter, ToldPresence } from '@communication-center/client';
import { useEffect, useState } from 'react';

/** Redraws at most so often, however fast people come and go. */
const drawEveryMs = 200;

/** @returns where everybody of the app is, as it changes. */
export function useEverybody(center: CommunicationCenter, onError: (error: unknown) => void): ToldPresence[] {
  const [everybody, setEverybody] = useState<ToldPresence[]>([]);
  useEffect(() => {
    const known = new Map<string, ToldPresence>();
    const stop = new AbortController();
    let changed = false;
    const drawing = setInterval(() => {
      if (!changed) return;
      changed = false;
      setEverybody([...known.values()]);
    }, drawEveryMs);
    center
      .followEverybody((presence) => {
        known.set(presence.userAlias, presence);
        changed = true;
      }, stop.signal)
      .catch(onError);
    return () => {
      stop.abort();
      clearInterval(drawing);
    };
  }, [center, onError]);
  return everybody;
}
