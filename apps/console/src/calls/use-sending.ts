import type { Ban, Call, DeviceSending, MediaKind, Wishes } from '@communication-center/client';
import { useEffect, useReducer } from 'react';
import { keepWishes, keptWishes } from './kept-wishes.js';

export interface Sending extends Record<MediaKind, DeviceSending> {
  /** What a moderator has forbidden to send. */
  forbidden: Partial<Record<MediaKind, Ban>>;
  toggle: (kind: MediaKind) => void;
  /** Tries a device again that could not be used. */
  retry: (kind: MediaKind) => void;
}

/** What this device sends in a call, and what of it does not work; what is switched here counts for the next calls as well. */
export function useSending(call: Call): Sending {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => call.on('sendingChanged', redraw), [call]);
  const { audio, video } = call.sending;
  const { forbidden } = call;
  const toggle = (kind: MediaKind) => {
    // Why it stays off stands beside the button.
    if (forbidden[kind] && !call.sending[kind].wished) return;
    const wishes: Wishes = { ...keptWishes(), [kind]: !call.sending[kind].wished };
    keepWishes(wishes);
    call.setSending(kind, wishes[kind]);
  };
  return { audio, video, forbidden, toggle, retry: (kind) => call.retryDevice(kind) };
}
