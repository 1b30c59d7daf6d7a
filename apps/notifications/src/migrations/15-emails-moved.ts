import { type Migration, sqlMigration } from '@communication-center/service';

/** Longer than the log is read again after a crash, and than an e-mail counts for its user's hour. */
const stillOfInterest = "(state = 'pending' OR ended_at > clock_timestamp() - interval '2 hours')";

const rule = {
  on: 'call.missed',
  when: {},
  steps: [{ afterSeconds: 0, channel: 'email', template: 'missed-call' }],
};

/** Makes of a row of `emails` the chain that it would be now: who was online was judged when it was written. */
const moved = (from: string, row: string) => `
  INSERT INTO messages (message_id, app_id, event_id, rule_id, receiver, user_alias, call_id, sequence, about, rule, until, traceparent, state, outcome, reason,
    tries, attempts, noted, next_attempt_at, created_at, ended_at)
  SELECT ${row}.email_id, ${row}.app_id, ${row}.event_id::text, 'missed-call', 'user:' || ${row}.user_alias, ${row}.user_alias, ${row}.call_id, 0,
    jsonb_build_object('event', 'call.missed', 'at', ${row}.missed_at, 'initiator', ${row}.initiator, 'userAlias', ${row}.user_alias, 'reason', null),
    '${JSON.stringify(rule)}'::jsonb, ${row}.missed_at + interval '1 day', ${row}.traceparent,
    CASE WHEN ${row}.state = 'pending' THEN 'pending' ELSE 'ended' END, CASE WHEN ${row}.state <> 'pending' THEN 'done' END, ${row}.last_error,
    ${row}.attempts, ${row}.attempts, ${row}.attempts, ${row}.next_attempt_at, coalesce(${row}.created_at, clock_timestamp()), ${row}.ended_at
  ${from} ON CONFLICT DO NOTHING`;

/**
 * E-mails of missed calls are chains of a rule. What waits moves over, and what ended lately, so that none is sent again for an event that is read again.
 * Replicas of the release before may still run beside this one: rows that they write become chains in that moment, and they find none to send. What they have
 * under way when the table is moved they bring to its end, which ends the chain, too; where they do not, one more attempt is made.
 * The table itself can go once no such replica runs.
 */
export const emailsMoved: Migration = sqlMigration('EmailsMoved1764700000085', [
  `CREATE FUNCTION email_is_a_message() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF TG_OP = 'INSERT' THEN
       ${moved('FROM (SELECT 1) AS one', 'NEW')};
     ELSIF NEW.state <> 'pending' THEN
       UPDATE messages SET state = 'ended', outcome = 'done', reason = NEW.last_error, next_attempt_at = NULL, ended_at = clock_timestamp()
       WHERE message_id = NEW.email_id AND state = 'pending';
     END IF;
     RETURN NULL;
   END $$`,
  // Whoever writes waits from here on until it is moved.
  'CREATE TRIGGER emails_are_messages BEFORE INSERT OR UPDATE ON emails FOR EACH ROW EXECUTE FUNCTION email_is_a_message()',
  moved(`FROM emails AS old WHERE ${stillOfInterest}`, 'old'),
  `INSERT INTO sent_notifications (notification_id, message_id, app_id, rule_id, channel, call_id, user_alias, state, attempts, created_at, ended_at)
   SELECT email_id, email_id, app_id, 'missed-call', 'email', call_id, user_alias, 'accepted', attempts, created_at, ended_at
   FROM emails WHERE state = 'sent' AND ${stillOfInterest} ON CONFLICT DO NOTHING`,
  "DELETE FROM emails WHERE state <> 'pending' OR attempts = 0",
]);
