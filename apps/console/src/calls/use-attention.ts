import { useEffect } from 'react';
import { listed } from '../words/lists.js';
import type { Phone } from './use-phone.js';

const plainTitle = 'Communication Center';

/** Tells of calls where the page is not looked at: in the tab's title, and by a notification where that is allowed. */
export function useAttention({ ringing, current }: Phone, nameOf: (userAlias: string) => string): void {
  const caller = ringing && nameOf(ringing.state.initiator);
  const others = listed((current?.others ?? []).map(({ userAlias }) => nameOf(userAlias)));
  const title = caller
    ? `📞 ${caller} is calling`
    : current
      ? `${current.phase === 'connected' ? 'In a call with' : 'Calling'} ${others}`
      : plainTitle;
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = plainTitle;
    };
  }, [title]);
  const ringId = ringing?.ringId;
  useEffect(() => {
    if (!ringId || !caller || !mayNotify() || document.hasFocus()) return;
    const notification = new Notification(`${caller} is calling`, { tag: ringId, requireInteraction: true });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
    return () => notification.close();
    // With the same tag, a name that is learnt later takes the place of the alias without another sound.
  }, [ringId, caller]);
}

const mayNotify = () => 'Notification' in window && Notification.permission === 'granted';
