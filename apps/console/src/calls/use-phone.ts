import { type Call, CenterError, type CommunicationCenter } from '@communication-center/client';
import type { CallType } from '@communication-center/contracts';
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { endSentence } from '../words/call-sentences.js';
import { refusalSentence } from '../words/refusals.js';
import { type Notices, useNotices } from './use-notices.js';

/** A dial that the Center has not answered yet. */
export interface Dialing {
  callees: readonly string[];
  callType: CallType;
  cancel: () => void;
}

/** The phone of this page, whatever part of the page is looked at. */
export interface Phone {
  /** What rings here and waits for an answer. */
  ringing: Call | undefined;
  /** The call this device is in, dials or has answered. */
  current: Call | undefined;
  dialing: Dialing | undefined;
  notices: Notices;
  /** The last call that ended here; undefined before the first. */
  lastEnded: Call | undefined;
  dial: (callees: readonly string[], callType: CallType) => void;
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
  const [dialing, setDialing] = useState<Dialing>();
  const [lastEnded, setLastEnded] = useState<Call>();
  const notices = useNotices();
  const { tell, forget } = notices;
  const isDialing = useRef(false);
  const endedByMe = useRef(new Set<string>());
  useCallChanges(center, { tell, forget, endedByMe: endedByMe.current, onEnded: setLastEnded, redraw });

  const attempt = useCallback(
    (act: Promise<unknown>, about: readonly string[] = []) => {
      act.catch((error: unknown) => {
        if (error instanceof CenterError && overtaken.has(error.code)) return;
        tell({ about: 'act', tone: 'bad', say: (nameOf) => refusalSentence(error, { names: about.map(nameOf) }) });
      });
    },
    [tell],
  );
  const dial = (callees: readonly string[], callType: CallType) => {
    if (isDialing.current || currentOf(center)) return;
    const stop = new AbortController();
    isDialing.current = true;
    forget('act', 'end');
    const cancel = () => {
      stop.abort();
      tell({ about: 'end', tone: 'plain', say: () => 'You cancelled the call' });
    };
    setDialing({ callees, callType, cancel });
    const placed = center.call([...callees], { callType, signal: stop.signal });
    attempt(placed, callees);
    void placed
      .catch(() => undefined)
      .finally(() => {
        isDialing.current = false;
        setDialing(undefined);
      });
  };
  const hangUp = (call: Call) => {
    if (endedByMe.current.has(call.callId)) return;
    endedByMe.current.add(call.callId);
    const act = call.hangUp();
    act.catch(() => endedByMe.current.delete(call.callId));
    attempt(act);
  };
  const ignore = (call: Call) => {
    endedByMe.current.add(call.callId);
    attempt(call.ignore());
  };
  const ringing = center.activeCalls.find(({ phase }) => phase === 'ringing');
  return { ringing, current: currentOf(center), dialing, notices, lastEnded, dial, hangUp, ignore, attempt };
}

const currentOf = (center: CommunicationCenter) => center.activeCalls.find(({ phase }) => phase !== 'ringing');

interface Changes extends Pick<Notices, 'tell' | 'forget'> {
  endedByMe: ReadonlySet<string>;
  onEnded: (call: Call) => void;
  redraw: () => void;
}

/** Draws anew whenever a call changes, and tells why one is over that was under way while this page looked. */
function useCallChanges(center: CommunicationCenter, { tell, forget, endedByMe, onEnded, redraw }: Changes): void {
  useEffect(() => {
    const underWay = new Set<Call>(center.activeCalls);
    const told = (call: Call) => {
      redraw();
      if (call.phase !== 'ended') {
        if (!underWay.has(call) && call.phase !== 'ringing') forget('act', 'end');
        underWay.add(call);
      } else if (underWay.delete(call)) {
        forget('act');
        tell({
          about: 'end',
          tone: 'plain',
          say: (nameOf) => endSentence(call, nameOf, endedByMe.has(call.callId)),
          ...wayBack(call, tell),
        });
        onEnded(call);
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
  }, [center, tell, forget, endedByMe, onEnded, redraw]);
}

/** While the others talk on one can come back. */
function wayBack(call: Call, tell: Notices['tell']) {
  if (call.state.status !== 'connected' || call.end?.reason === 'answered_elsewhere' || call.end?.reason === 'kicked') return {};
  const join = () => call.join().catch((error: unknown) => tell({ about: 'act', tone: 'bad', say: () => refusalSentence(error) }));
  return { offer: { label: 'Join again', act: () => void join() } };
}
