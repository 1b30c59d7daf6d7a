import { type Call, CenterError, type CommunicationCenter } from '@communication-center/client';
import type { CallType } from '@communication-center/contracts';
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { endSentence } from '../words/call-sentences.js';
import { refusalSentence } from '../words/refusals.js';
import { keptWishes } from './kept-wishes.js';
import { type Notice, type Notices, useNotices } from './use-notices.js';

/** The phone of this page, whatever part of the page is looked at. */
export interface Phone {
  /** What rings here and waits for an answer. */
  ringing: Call | undefined;
  /** The call this device is in, dials or has answered. */
  current: Call | undefined;
  /** A call that the user is in on another device. */
  elsewhere: Call | undefined;
  notices: Notices;
  /** The last call that ended here; undefined before the first. */
  lastEnded: Call | undefined;
  dial: (callees: readonly string[], callType: CallType) => void;
  answer: (call: Call, hangUpOther: boolean) => void;
  /** Comes back into a call that goes on, or moves it here from another device. */
  join: (call: Call) => void;
  hangUp: (call: Call) => void;
  /** Silences a ring on this device alone. */
  ignore: (call: Call) => void;
  /** Tells of what was refused; `about` whom, by alias. */
  attempt: (act: Promise<unknown>, about?: readonly string[]) => void;
}

/** These say that somebody else was quicker, which the call itself tells. */
const overtaken = new Set<string>(['dial_cancelled', 'already_ended', 'already_answered']);

export function usePhone(center: CommunicationCenter): Phone {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [lastEnded, setLastEnded] = useState<Call>();
  const notices = useNotices();
  const { tell } = notices;
  const endedByMe = useRef(new Set<Call>()).current;

  const attempt = useCallback(
    (act: Promise<unknown>, about: readonly string[] = []) => {
      act.catch((error: unknown) => {
        if (error instanceof CenterError && overtaken.has(error.code)) return;
        tell({ about: 'act', tone: 'bad', say: (nameOf) => refusalSentence(error, about.map(nameOf), nameOf) });
      });
    },
    [tell],
  );
  const join = useCallback((call: Call) => attempt(call.join({ sending: keptWishes() })), [attempt]);
  useCallChanges(center, { notices, endedByMe, join, onEnded: setLastEnded, redraw });
  const dial = (callees: readonly string[], callType: CallType) => {
    if (!currentOf(center)) center.dial([...callees], { callType, sending: keptWishes() });
  };
  const answer = (call: Call, hangUpOther: boolean) => attempt(call.answer({ hangUpOther, sending: keptWishes() }), [call.state.initiator]);
  const hangUp = (call: Call) => {
    endedByMe.add(call);
    attempt(call.hangUp());
  };
  const ignore = (call: Call) => {
    endedByMe.add(call);
    attempt(call.ignore());
  };
  const ringing = center.activeCalls.find(({ phase }) => phase === 'ringing');
  const [elsewhere] = center.callsElsewhere;
  return { ringing, current: currentOf(center), elsewhere, notices, lastEnded, dial, answer, join, hangUp, ignore, attempt };
}

const currentOf = (center: CommunicationCenter) => center.activeCalls.find(({ phase }) => phase !== 'ringing');

interface Changes {
  notices: Pick<Notices, 'tell' | 'forget'>;
  endedByMe: ReadonlySet<Call>;
  join: (call: Call) => void;
  onEnded: (call: Call) => void;
  redraw: () => void;
}

/** Draws anew whenever a call changes, and tells why one is over that was under way while this page looked. */
function useCallChanges(center: CommunicationCenter, { notices: { tell, forget }, endedByMe, join, onEnded, redraw }: Changes): void {
  useEffect(() => {
    const underWay = new Set<Call>(center.activeCalls);
    const told = (call: Call) => {
      redraw();
      if (call.phase !== 'ended') {
        if (!underWay.has(call) && call.phase !== 'ringing') forget('act', 'end');
        underWay.add(call);
      } else if (underWay.delete(call)) {
        forget('act');
        tell(endNotice(center, call, { byMe: endedByMe.has(call), join }));
        if (call.isPlaced || call.end?.error?.callId) onEnded(call);
      }
    };
    const offs = [
      // Whoever listens to this is told that it rings here.
      center.on('incomingCall', told),
      center.on('callChanged', told),
      center.on('refused', (error) => tell({ about: 'session', tone: 'bad', say: () => `You were signed out. ${refusalSentence(error)}` })),
      center.on('busyAlert', ({ callId, state }) => {
        tell({ about: `busy ${callId}`, tone: 'plain', say: (nameOf) => `${nameOf(state.initiator)} called while you were busy` });
      }),
    ];
    return () => {
      for (const off of offs) off();
    };
  }, [center, tell, forget, endedByMe, join, onEnded, redraw]);
}

/** Why a call is over; and the way back, while the others talk on, or into the call that was in its way. */
function endNotice(center: CommunicationCenter, call: Call, { byMe, join }: { byMe: boolean; join: (call: Call) => void }): Notice {
  const { end } = call;
  const error = end?.reason === 'error' ? end.error : undefined;
  const about = call.others.map(({ userAlias }) => userAlias);
  const [elsewhere] = center.callsElsewhere;
  const goesOn = call.state.status === 'connected' && end?.reason !== 'answered_elsewhere' && end?.reason !== 'kicked';
  return {
    about: 'end',
    tone: error ? 'bad' : 'plain',
    say: (nameOf) => (error ? refusalSentence(error, about.map(nameOf), nameOf) : endSentence(call, nameOf, byMe)),
    ...(goesOn && { offer: { label: 'Join again', act: () => join(call) } }),
    ...(error?.code === 'initiator_busy' && elsewhere && { offer: { label: 'Take it over here', act: () => join(elsewhere) } }),
  };
}
