import { useEffect, useState } from 'react';

/** @returns whole seconds since a moment, counted on; undefined without one. */
export function useSecondsSince(time: string | undefined): number | undefined {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!time) return;
    setNow(Date.now());
    const ticking = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(ticking);
  }, [time]);
  return time ? Math.max(0, Math.floor((now - Date.parse(time)) / 1000)) : undefined;
}
