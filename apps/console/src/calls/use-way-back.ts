import { useEffect, useState } from 'react';

/**
 * The back button of the browser asks before it leaves a call: while one is under way it meets an entry of the history that stands
 * for the same page.
 * @returns whether somebody went back in a call and is to be asked, and what takes the question away.
 */
export function useWayBack(inCall: boolean): { asked: boolean; stay: () => void } {
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!inCall) return;
    const guard = () => {
      if (!history.state?.inCall) history.pushState({ inCall: true }, '');
    };
    const wentBack = () => {
      guard();
      setAsked(true);
    };
    guard();
    window.addEventListener('popstate', wentBack);
    return () => {
      window.removeEventListener('popstate', wentBack);
      setAsked(false);
      if (history.state?.inCall) history.back();
    };
  }, [inCall]);
  return { asked, stay: () => setAsked(false) };
}
