import type { Call } from '@communication-center/client';
import { useEffect, useReducer } from 'react';
import { clock } from '../words/lists.js';
import { useSecondsSince } from './use-seconds.js';

/** How far a call is: in a word, and once somebody has answered by a clock. */
export function CallStateText({ call }: { call: Call }) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => call.on('linkChanged', redraw), [call]);
  const answeredAt = call.phase === 'connected' && 'answeredAt' in call.state ? (call.state.answeredAt ?? undefined) : undefined;
  const seconds = useSecondsSince(answeredAt);
  return (
    <span className="call-state">
      <span role="status">{stateText(call)}</span>
      {/* A clock that is read aloud each second would drown everything else. */}
      {seconds !== undefined && (
        <span role="timer" aria-label="Length of the call">
          {clock(seconds)}
        </span>
      )}
    </span>
  );
}

function stateText({ phase, link, others }: Call): string {
  if (phase === 'connected') return link === 'reconnecting' ? 'Reconnecting…' : 'Connected';
  return others.some((other) => other.state === 'ringing' && other.confirmed) ? 'Ringing' : 'Calling';
}

/** @returns whom a call is with, by alias. */
export function partnersOf(call: Call): readonly string[] {
  const here = call.others.filter(({ state }) => state !== 'gone');
  return (here.length > 0 ? here : call.others).map(({ userAlias }) => userAlias);
}
