import { type KeyboardEvent, type MouseEvent, useRef, useState } from 'react';

/** Nobody reads, decides and presses a key faster: what comes earlier was meant for something else. */
const unreadMs = 600;

/** Keeps keys from a ring that were not meant for it: those pressed before one can have read it, and those held down since then. */
export function useSafeKeys() {
  const [shownAt] = useState(() => performance.now());
  const refused = useRef(false);
  const stop = (event: KeyboardEvent | MouseEvent) => {
    event.preventDefault();
    event.stopPropagation();
  };
  return {
    onKeyDownCapture: (event: KeyboardEvent) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      refused.current = event.repeat ? refused.current : performance.now() - shownAt < unreadMs;
      if (refused.current || event.repeat) stop(event);
    },
    // Browsers press a button when the space bar is let go.
    onKeyUpCapture: (event: KeyboardEvent) => {
      if (refused.current) stop(event);
      refused.current = false;
    },
    onClickCapture: (event: MouseEvent) => {
      const isOfKey = event.detail === 0;
      if (isOfKey && (refused.current || performance.now() - shownAt < unreadMs)) stop(event);
    },
  };
}
