import type { Call } from '@communication-center/client';
import { useEffect, useState } from 'react';

export type Kind = 'audio' | 'video';

/** Why a camera or microphone cannot be used. */
export type DeviceProblem = 'denied' | 'missing' | 'in_use' | 'failed';

interface DeviceSending {
  /** Whether the user wants it to be sent. */
  wished: boolean;
  problem?: DeviceProblem | undefined;
}

export interface Sending {
  audio: DeviceSending;
  video: DeviceSending;
  toggle: (kind: Kind) => void;
  /** Tries a device again that could not be used; undefined where that takes a new call. */
  retry?: (kind: Kind) => void;
}

const problems: Record<string, DeviceProblem> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'in_use',
  AbortError: 'failed',
};
const key = 'communication-center.sending';
/** A wish for both is tried again for one: only after this is known which of the two has the trouble. */
const settledAfterMs = 400;

/**
 * What this device sends in a call, and what of it does not work. Wishes are kept for the next call and over a reload, and count
 * before the first picture or sound goes out.
 */
export function useSending(call: Call): Sending {
  const [wished, setWished] = useState(keptWishes);
  const [problem, setProblem] = useState<DeviceProblem>();
  useEffect(() => {
    const apply = () => {
      for (const kind of ['audio', 'video'] as const) if (!wished[kind]) call.setSending(kind, false);
    };
    apply();
    return call.on('localStream', apply);
  }, [call, wished]);
  useEffect(() => {
    let settling: ReturnType<typeof setTimeout>;
    const off = call.on('mediaError', ({ name }) => {
      clearTimeout(settling);
      if (name in problems) settling = setTimeout(() => setProblem(problems[name]), settledAfterMs);
    });
    return () => {
      off();
      clearTimeout(settling);
    };
  }, [call]);
  const toggle = (kind: Kind) => {
    const next = { ...wished, [kind]: !wished[kind] };
    sessionStorage.setItem(key, JSON.stringify(next));
    call.setSending(kind, next[kind]);
    setWished(next);
  };
  const lacks = (kind: Kind) => !call.localStream?.getTracks().some((track) => track.kind === kind);
  return {
    audio: { wished: wished.audio, problem: lacks('audio') ? problem : undefined },
    video: { wished: wished.video, problem: lacks('video') ? problem : undefined },
    toggle,
  };
}

function keptWishes(): Record<Kind, boolean> {
  const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Record<Kind, boolean>>;
  return { audio: kept.audio !== false, video: kept.video !== false };
}
