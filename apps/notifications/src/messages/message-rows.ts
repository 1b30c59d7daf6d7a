import type { AppId, CallId, DeviceId, MessageChannel, PushTarget, RuleBody, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { currentTraceparent, RowsInTurn } from '@communication-center/service';
import { v7 as uuidv7 } from 'uuid';
import type { About, Beginning, Reaching } from '../domain/begin-chains.js';
import { asksForDevices } from '../domain/next-act.js';
import type { SmsServer } from '../sms/sms.js';

/** So long sockets may be open, or closed, before it is known here. */
const settleMs = 1500;

/** What was just written, and when its time comes. */
export interface WrittenMessage {
  messageId: string;
  delayMs: number;
}

export interface NewMessage extends Beginning {
  appId: AppId;
  eventId: string;
  callId: CallId;
  sequence: number;
  /** Whether a device rang before it was written. */
  rang: boolean;
}

/** Writes chains, each once for its event, rule and receiver. @returns those that are new. */
export async function writeMessages(sql: Sql, messages: readonly NewMessage[]): Promise<WrittenMessage[]> {
  if (messages.length === 0) return [];
  const now = Date.now();
  const rows = messages.map(({ appId, eventId, callId, sequence, rang, rule, to, about }) => {
    const { ruleId, isDefault: _, ...body } = rule;
    const at = Date.parse(about.at);
    const wanted = at + (rule.steps[0]?.afterSeconds ?? 0) * 1000;
    const due = asksForDevices(rule) ? Math.max(wanted, now + settleMs) : wanted;
    return {
      message_id: uuidv7(),
      app_id: appId,
      event_id: eventId,
      rule_id: ruleId,
      receiver: nameOf(to),
      user_alias: 'userAlias' in to ? to.userAlias : null,
      address: 'userAlias' in to ? null : to,
      call_id: callId,
      sequence,
      about,
      rule: body,
      until: new Date(at + rule.withinSeconds * 1000),
      delay_ms: Math.max(0, due - now),
      rang,
    };
  });
  const { rows: written } = await sql.query<WrittenMessage>(
    `INSERT INTO messages (message_id, app_id, event_id, rule_id, receiver, user_alias, address, call_id, sequence, about, rule, until, rang, traceparent, next_attempt_at)
     SELECT message_id, app_id, event_id, rule_id, receiver, user_alias, address, call_id, sequence, about, rule, until, rang, $2,
       clock_timestamp() + make_interval(secs => delay_ms / 1000.0)
     FROM json_to_recordset($1) AS told(message_id uuid, app_id text, event_id text, rule_id text, receiver text, user_alias text, address jsonb,
       call_id uuid, sequence int, about jsonb, rule jsonb, until timestamptz, delay_ms int, rang boolean)
     ON CONFLICT (event_id, rule_id, receiver) DO NOTHING RETURNING message_id AS "messageId"`,
    [JSON.stringify(rows), currentTraceparent()],
  );
  const delays = new Map(rows.map(({ message_id, delay_ms }) => [message_id, delay_ms]));
  return written.map(({ messageId }) => ({ messageId, delayMs: delays.get(messageId) ?? 0 }));
}

/** By which a receiver of a rule is told from the others. */
function nameOf(to: Beginning['to']): string {
  if ('userAlias' in to) return `user:${to.userAlias}`;
  return 'email' in to ? `email:${to.email.toLowerCase()}` : `phone:${to.phone}`;
}

/** Notes of chains under way what later events of their calls say: that a device rang, or that there is no need any more. */
export async function noteReaching(sql: Sql, reachings: readonly (Reaching & { callId: CallId; sequence: number })[]): Promise<void> {
  if (reachings.length === 0) return;
  await sql.query(
    `UPDATE messages AS m SET rang = m.rang OR said.rang, reached = coalesce(m.reached, said.reached)
     FROM (SELECT "callId", "userAlias", waits, bool_or(rang) AS rang, min(reached) AS reached, max(sequence) AS sequence
           FROM json_to_recordset($1) AS one("callId" uuid, "userAlias" text, waits boolean, rang boolean, reached text, sequence int)
           GROUP BY 1, 2, 3) AS said
     WHERE m.state = 'pending' AND m.call_id = said."callId" AND m.sequence < said.sequence
       AND (said."userAlias" IS NULL OR m.user_alias = said."userAlias")
       AND (NOT said.waits OR m.about ->> 'event' IN ('call.dialed', 'call.participant_invited'))`,
    [JSON.stringify(reachings.map((one) => ({ ...one, waits: one.reached === 'ring_ended' })))],
  );
}

/** @returns who is in some groups of an app, up to a hundred of each. */
export async function membersOf(sql: Sql, appId: AppId, groups: readonly string[]): Promise<Map<string, UserAlias[]>> {
  if (groups.length === 0) return new Map();
  const { rows } = await sql.query<{ name: string; members: UserAlias[] }>(
    `SELECT name, ARRAY(SELECT user_alias FROM contacts WHERE app_id = $1 AND groups @> ARRAY[name] ORDER BY user_alias LIMIT 100) AS members
     FROM unnest($2::text[]) AS name`,
    [appId, groups],
  );
  return new Map(rows.map(({ name, members }) => [name, members]));
}

/** Chains that wait for their next step. One has a job of its own as a rule, which gets a moment to be first. */
export const waitingMessages = new RowsInTurn({
  table: 'messages',
  id: 'message_id',
  turn: 'app_id',
  first: '',
  turnsAtOnce: 200,
  rowsAtOnce: 500,
  graceSeconds: 2,
});

/** A chain that was taken up, with what is known of its receiver now. */
export interface ClaimedMessage {
  message_id: string;
  app_id: AppId;
  rule_id: string;
  call_id: CallId;
  user_alias: UserAlias | null;
  address: { email?: string; phone?: string; locale: string | null } | null;
  about: About;
  rule: Pick<RuleBody, 'steps' | 'when' | 'quietHours'>;
  step: number;
  tries: number;
  attempts: number;
  noted: number;
  until: Date;
  rang: boolean;
  reached: string | null;
  traceparent: string | null;
  now: Date;
  /** null where nothing has arrived here yet of the user: one may be called the moment it is made. */
  receiver: Contact | null;
  caller: string | null;
  online: boolean;
  opened: boolean;
  /** What was handed over for it before. */
  accepted: boolean;
  wishes: Partial<Record<MessageChannel, boolean>> | null;
  mail_server: string | null;
  /** Why nothing is sent to the address for now. */
  refused: string | null;
  /** E-mails the user got within the hour, as far as they count. */
  lately: number;
  sms_server: SmsServer | null;
  /** Why nothing is sent to the number for now. */
  refused_number: string | null;
  /** SMS the user got within the hour, as far as they count. */
  sms_lately: number;
  devices: { registrationId: string; deviceId: DeviceId; target: PushTarget }[] | null;
}

interface Contact {
  name: string | null;
  email: string | null;
  phone: string | null;
  locale: string | null;
  timeZone: string | null;
  doNotDisturb: boolean | null;
}

const ofReceiver = 'app_id = mine.app_id AND user_alias = mine.user_alias';
/** More than any user may get in an hour. */
const mostCounted = 1000;
/** Said of the whole row of the index: by its time alone the planner would read what everybody got within the hour. */
const isOfTheLastHour = `(other.app_id, other.user_alias, other.channel, other.ended_at) > (mine.app_id, mine.user_alias, 'email', now() - interval '1 hour')
  AND (other.app_id, other.user_alias, other.channel) <= (mine.app_id, mine.user_alias, 'email')`;

/** The digest by which refused addresses are known, of an SQL text. */
export const digestOf = (address: string) => `sha256(convert_to(lower(${address}), 'UTF8'))`;

/** Of a claimed chain, with all that its next step may ask for. E-mails that are being sent do not count yet: a few more than allowed may go out. */
export const whatToKnow = `message_id, app_id, rule_id, call_id, user_alias, address, about, rule, step, tries, attempts, noted, until, rang, reached, traceparent,
  clock_timestamp() AS now,
  (SELECT jsonb_build_object('name', name, 'email', email, 'phone', phone, 'locale', locale, 'timeZone', time_zone, 'doNotDisturb', do_not_disturb) FROM contacts WHERE ${ofReceiver}) AS receiver,
  (SELECT name FROM contacts WHERE app_id = mine.app_id AND user_alias = mine.about ->> 'initiator') AS caller,
  EXISTS (SELECT 1 FROM live_sessions WHERE ${ofReceiver} AND closed_at IS NULL) AS online,
  EXISTS (SELECT 1 FROM sent_notifications AS sent WHERE sent.message_id = mine.message_id AND opened_at IS NOT NULL) AS opened,
  EXISTS (SELECT 1 FROM sent_notifications AS sent WHERE sent.message_id = mine.message_id AND sent.state IN ('accepted', 'delivered')) AS accepted,
  (SELECT channels FROM preferences WHERE ${ofReceiver}) AS wishes,
  (SELECT version FROM channel_credentials WHERE app_id = mine.app_id AND provider = 'smtp') AS mail_server,
  (SELECT reason FROM refused_addresses AS no WHERE no.app_id = mine.app_id AND no.channel = 'email' AND no.digest = ${digestOf(
    `coalesce(mine.address ->> 'email', (SELECT email FROM contacts WHERE ${ofReceiver}))`,
  )}) AS refused,
  (SELECT count(*)::int FROM (SELECT 1 FROM sent_notifications AS other WHERE other.app_id = mine.app_id AND other.user_alias = mine.user_alias AND other.channel = 'email'
     AND other.state = 'accepted' AND ${isOfTheLastHour} LIMIT ${mostCounted}) AS sent) AS lately,
  (SELECT json_build_object('provider', provider, 'version', version) FROM channel_credentials
     WHERE app_id = mine.app_id AND provider IN ('smpp', 'twilio') ORDER BY provider LIMIT 1) AS sms_server,
  (SELECT reason FROM refused_addresses AS no WHERE no.app_id = mine.app_id AND no.channel = 'sms' AND no.digest = ${digestOf(
    `coalesce(mine.address ->> 'phone', (SELECT phone FROM contacts WHERE ${ofReceiver}))`,
  )}) AS refused_number,
  (SELECT count(*)::int FROM (SELECT 1 FROM sent_notifications AS other WHERE other.app_id = mine.app_id AND other.user_alias = mine.user_alias AND other.channel = 'sms'
     AND other.state <> 'cancelled' AND other.state <> 'expired' AND other.ended_at > now() - interval '1 hour' LIMIT ${mostCounted}) AS sent) AS sms_lately,
  (SELECT json_agg(json_build_object('registrationId', registration_id, 'deviceId', device_id, 'target', target))
     FROM push_registrations WHERE ${ofReceiver} AND kind <> 'apns_voip') AS devices`;

/** What became of one that was handed over, or could not be. */
export interface SentNotification {
  notificationId: string;
  channel: MessageChannel;
  deviceId: DeviceId | null;
  state: 'accepted' | 'failed' | 'expired' | 'cancelled';
  reason: string | null;
  attempts: number;
  /** By which ids receipts name it. */
  providerIds?: readonly string[];
  /** To which number an SMS went: its owner may answer STOP. Kept as a digest. */
  number?: string;
  /** What the app is told of it, where that is the message itself. */
  message?: MessageOfRule;
}

/** What a step of the channel `webhook` tells. */
interface MessageOfRule {
  event: string;
  reason: string | null;
  locale: string;
  subject: string;
  text: string;
}

/** Where a chain stands after an attempt. */
export interface Standing {
  step: number;
  tries: number;
  /** In so many milliseconds it goes on; null where it has ended. */
  delayMs: number | null;
  outcome: string | null;
  reason: string | null;
}

/**
 * Notes where a chain stands, if the attempt is still the last one, and what was handed over.
 * @returns whether it was the last one, what was not on record before, and when.
 */
export async function record(
  sql: Sql,
  { message_id, app_id, rule_id, call_id, user_alias, attempts, now }: ClaimedMessage,
  { step, tries, delayMs, outcome, reason }: Standing,
  sent: readonly SentNotification[],
): Promise<{ isMine: boolean; fresh: readonly string[]; at: Date }> {
  const { rows } = await sql.query<{ isMine: boolean; fresh: string[]; at: Date }>(
    `WITH told AS (
       INSERT INTO sent_notifications (notification_id, message_id, app_id, rule_id, channel, call_id, user_alias, device_id, state, reason, attempts, created_at, number_digest)
       SELECT "notificationId", $1, $8, $9, channel, $10, $11, "deviceId", state, reason, attempts, $12, ${digestOf('number')}
       FROM json_to_recordset($13) AS one("notificationId" uuid, channel text, "deviceId" text, state text, reason text, attempts int, number text)
       ON CONFLICT (notification_id) DO NOTHING RETURNING notification_id),
     parts AS (
       INSERT INTO sms_parts (app_id, provider_id, notification_id)
       SELECT DISTINCT $8, id, "notificationId" FROM json_to_recordset($13) AS one("notificationId" uuid, "providerIds" json), json_array_elements_text("providerIds") AS id
       ON CONFLICT (app_id, provider_id) DO NOTHING),
     moved AS (
       UPDATE messages SET step = $3, tries = $4, noted = attempts, outcome = $6, reason = $7,
         state = CASE WHEN $5::float8 IS NULL THEN 'ended' ELSE 'pending' END,
         next_attempt_at = clock_timestamp() + make_interval(secs => $5::float8 / 1000),
         ended_at = CASE WHEN $5::float8 IS NULL THEN clock_timestamp() END
       WHERE message_id = $1 AND attempts = $2 AND state = 'pending' RETURNING 1)
     SELECT EXISTS (SELECT 1 FROM moved) AS "isMine", ARRAY(SELECT notification_id::text FROM told) AS fresh, clock_timestamp() AS at`,
    [message_id, attempts, step, tries, delayMs, outcome, reason, app_id, rule_id, call_id, user_alias, now, JSON.stringify(sent)],
  );
  return rows[0] ?? { isMine: false, fresh: [], at: now };
}
