import { type AppId, type CallId, type DeviceId, mediaFailureSchema } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { beginSpan } from '@communication-center/service';
import { type How, hold } from '../decide-in-groups/hold.js';
import { type Published, save } from '../decide-in-groups/save.js';
import type { CommandOnCall } from '../domain/commands.js';
import { type Looks, putOff, type SecondChances } from '../domain/lateness.js';
import { clearFired, type Deadline, putOffDeadlines, type StillDue, stillDue } from './due-deadlines.js';

/** A deadline that asked something of its call, and the trace in which it did. */
export interface FiredDeadline {
  kind: Deadline['kind'];
  appid: AppId;
  callid: CallId;
  traceparent: string;
}

/** What came of deadlines that were claimed. */
interface Fired {
  fired: FiredDeadline[];
  /** Those that could not be held with all they concern. */
  left: Deadline[];
  published: Published;
}

/**
 * Fires claimed deadlines, in as many statements for a hundred as for one: each is decided on what the ones before it left.
 * The order of locks is that of commands: lines, then calls, and only then is it seen whether a deadline is due still.
 */
export async function fireDeadlines(
  tx: Sql,
  claimed: readonly Deadline[],
  { how, looks, chances }: { how: How; looks: Looks; chances: SecondChances },
): Promise<Fired> {
  const held = await hold(tx, { calls: claimed.map(({ app_id: appId, call_id: callId }) => ({ appId, callId })) }, how);
  const isHeld = ({ app_id, call_id }: Deadline) => held.in(app_id).holds([call_id], []);
  // Who waited and still has no call has a deadline of nothing.
  const ofNothing = claimed.filter(({ app_id, call_id }) => how === 'waiting' && !held.in(app_id).callOf(call_id));
  const due = await stillDue(tx, claimed.filter(isHeld), chances.connectionGraceMs);
  const late = due.flatMap((one) => {
    const byMs = putOff({ kind: one.kind, dueAt: one.due_at, extended: one.extended, isKnown: one.failed_device !== null }, looks, chances);
    return byMs > 0 ? [{ due: one, byMs }] : [];
  });
  const isLate = new Set(late.map((one) => one.due));
  const fired = due.filter((one) => !isLate.has(one));
  const acts = fired.flatMap((one): FiredDeadline[] => {
    const { kind, app_id: appid, call_id: callid } = one;
    const command = commandOf(one);
    if (!command) return [];
    const span = beginSpan({ name: command.type, kind: 'internal', facts: { 'call.id': callid } });
    held.in(appid).take(command, span.traceparent);
    span.end();
    return [{ kind, appid, callid, traceparent: span.traceparent }];
  });
  const published = await save((text, values) => tx.query(text, values), held, chances.connectionGraceMs);
  await clearFired(tx, [...fired, ...ofNothing]);
  await putOffDeadlines(tx, late);
  return { fired: acts, left: claimed.filter((one) => !isHeld(one) && !ofNothing.includes(one)), published };
}

/** @returns what a deadline asks of its call; undefined where what it waited for has happened. */
function commandOf(due: StillDue): CommandOnCall | undefined {
  const { call_id: callId, kind, user_alias: userAlias, has_media, lost_device } = due;
  switch (kind) {
    case 'ring':
      return { type: 'TimeOutRinging', callId, userAlias };
    case 'max_duration':
      return { type: 'ReachMaxDuration', callId };
    case 'deleted':
      return { type: 'TakeOut', callId, userAlias };
    case 'closed':
      return { type: 'EndCall', callId };
    case 'upgrade':
      return { type: 'LapseUpgrade', callId };
    case 'media':
      if (due.failed_device) return { type: 'FailMedia', callId, userAlias, failed: failureOf(due, due.failed_device) };
      return has_media ? undefined : { type: 'FailMedia', callId, userAlias };
    case 'connection':
      return lost_device ? { type: 'LoseConnection', callId, userAlias, deviceId: lost_device } : undefined;
    default:
      return kind satisfies never;
  }
}

function failureOf({ due_at: at, failure }: StillDue, deviceId: DeviceId) {
  // A media service that is a release ahead may know more reasons.
  return { deviceId, at, why: mediaFailureSchema.safeParse(failure).data };
}
