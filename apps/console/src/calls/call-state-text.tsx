import type { Call } from '@communication-center/client';
import { clock } from '../words/lists.js';
import type { Phone } from './use-phone.js';
import { useSecondsSince } from './use-seconds.js';

/** How far a call is: in a word, and once somebody has answered by a clock. */
export function CallStateText({ call }: { call: Call | undefined }) {
  const answeredAt = call?.phase === 'connected' && 'answeredAt' in call.state ? (call.state.answeredAt ?? undefined) : undefined;
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

function stateText(call: Call | undefined): string {
  if (call?.phase === 'connected') return 'Connected';
  return call?.others.some((other) => other.state === 'ringing' && other.confirmed) ? 'Ringing' : 'Calling';
}

/** @returns whom the phone is busy with, by alias. */
export function partnersOf({ current, dialing }: Pick<Phone, 'current' | 'dialing'>): readonly string[] {
  if (!current) return dialing?.callees ?? [];
  const here = current.others.filter(({ state }) => state !== 'gone');
  return (here.length > 0 ? here : current.others).map(({ userAlias }) => userAlias);
}
