import type { Call, DeviceSending, MediaKind, Wishes } from '@communication-center/client';
import { useEffect, useReducer } from 'react';
import { keepWishes, keptWishes } from './kept-wishes.js';

export interface Sending extends Record<MediaKind, DeviceSending> {
  toggle: (kind: MediaKind) => void;
  /** Tries a device again that could not be used. */
  retry: (kind: MediaKind) => void;
}

/** What this device sends in a call, and what of it does not work; what is switched here counts for the next calls as well. */
export function useSending(call: Call): Sending {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => call.on('sendingChanged', redraw), [call]);
  const { audio, video } = call.sending;
  const toggle = (kind: MediaKind) => {
    const wishes: Wishes = { ...keptWishes(), [kind]: !call.sending[kind].wished };
    keepWishes(wishes);
    call.setSending(kind, wishes[kind]);
  };
  return { audio, video, toggle, retry: (kind) => call.retryDevice(kind) };
}
