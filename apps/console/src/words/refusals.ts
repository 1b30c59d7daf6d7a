import { CenterError } from '@communication-center/client';
import { listed } from './lists.js';

/**
 * @param names whom it was about, as they are called.
 * @param nameOf tells what those are called whom the refusal itself names.
 * @returns why the Center did not do something, as one would say it, and what helps.
 */
export function refusalSentence(error: unknown, names: readonly string[] = [], nameOf = (userAlias: string) => userAlias): string {
  if (!(error instanceof CenterError)) return error instanceof Error ? error.message : String(error);
  const about = error.userAliases.length > 0 ? error.userAliases.map(nameOf) : names;
  const who = listed(about);
  const known: Record<string, string> = {
    unknown_user: `Nobody here is called ${who}`,
    invalid_alias: `Nobody can be called ${who}`,
    calling_oneself: 'That is you: nobody can call oneself',
    nobody_called: 'Choose somebody to call',
    all_callees_busy: about.length > 1 ? `${who} are all in another call` : `${who} is in another call`,
    initiator_busy: 'You are in a call on another device',
    already_in_call: 'You are in another call: hang that up first',
    already_answered: 'You answered on another device',
    already_ended: 'That call is over',
    call_not_found: 'That call is over',
    not_a_participant: 'You are not in that call any more',
    dial_cancelled: 'You cancelled the call',
    too_many_participants: 'The call has no room for more people',
    too_many_calls: 'There are as many calls as there may be now: try again in a moment',
    rate_limited: 'That was too often in a short time: wait a moment and try again',
    too_many_upgrade_requests: 'You have asked for video as often as one may',
    not_upgradable: 'This call stays without video',
    no_upgrade_requested: 'Nobody waits for video any more',
    media_unavailable: 'Sound and picture cannot be carried now: try again in a moment',
    service_unavailable: 'The Center cannot be reached: try again in a moment',
    unauthenticated: 'You are not signed in any more: sign in again',
    forbidden: 'You may not do that',
    unknown_app: 'There is no such app',
    app_suspended: 'This app is suspended: nobody can sign in to it',
  };
  return known[error.code] ?? `${error.message}${error.traceId ? ` (trace ${error.traceId})` : ''}`;
}
