import type { Call, CommunicationCenter, ConnectionState } from '@communication-center/client';
import { useEffect, useReducer, useState } from 'react';

/** Draws anew whenever a call of this user changes. @returns the calls under way, and the last one that ended. */
export function useCalls(center: CommunicationCenter): { active: Call[]; last: Call | undefined } {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [last, setLast] = useState<Call>();
  useEffect(() => {
    const ringing = center.on('incomingCall', () => redraw());
    const changed = center.on('callChanged', (call) => {
      if (call.phase === 'ended') setLast((known) => (known && known.state.dialedAt > call.state.dialedAt ? known : call));
      redraw();
    });
    return () => {
      ringing();
      changed();
    };
  }, [center]);
  return { active: center.activeCalls, last };
}

export function useConnection(center: CommunicationCenter): ConnectionState {
  const [state, setState] = useState(center.connectionState);
  useEffect(() => center.on('connection', setState), [center]);
  return state;
}
