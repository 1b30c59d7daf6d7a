import { useEffect } from 'react';

/**
 * Keeps the focus from falling to the body when what had it goes away: it goes to the last part of the page that is marked
 * `data-focus-home` and shown, so that the next key, and a reader of the screen, begin where something is.
 */
export function useFocusHome(): void {
  useEffect(() => {
    let last: Element | null = null;
    const remember = () => {
      last = document.activeElement;
    };
    const look = () => {
      const isLost = document.activeElement === document.body && last && last !== document.body && !isThere(last);
      if (!isLost) return;
      const homes = [...document.querySelectorAll<HTMLElement>('[data-focus-home]')].filter((home) => home.checkVisibility());
      homes.at(-1)?.focus({ preventScroll: true });
    };
    document.addEventListener('focusin', remember);
    const changes = new MutationObserver(look);
    changes.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['hidden', 'disabled'] });
    return () => {
      document.removeEventListener('focusin', remember);
      changes.disconnect();
    };
  }, []);
}

function isThere(element: Element): boolean {
  return element.isConnected && element.checkVisibility();
}
