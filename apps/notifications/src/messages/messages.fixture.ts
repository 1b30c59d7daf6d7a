import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type AnyEvent, type AppId, type CallEvent, readEvent } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { Fleet, SmtpStandIn, TestSchema } from '@communication-center/testing';
import { certificate, settings as pushSettings, silentLog } from '../channels/channels.fixture.js';
import type { Push } from '../channels/push-channel.js';
import { RegistrationStore } from '../devices/registration-store.js';
import type { PushOutcome } from '../domain/push-outcome.js';
import { ChannelCredentialStore } from '../mail/channel-credential-store.js';
import { Mail } from '../mail/mail-channel.js';
import { notifications } from '../migrations/1-notifications.js';
import { emailsByApp, emailsNotByTime } from '../migrations/2-emails-by-app.js';
import { consumers } from '../migrations/3-consumers.js';
import { outbox } from '../migrations/4-outbox.js';
import { outboxFunctions } from '../migrations/5-outbox-functions.js';
import { traces } from '../migrations/6-traces.js';
import { outboxRows } from '../migrations/7-outbox-rows.js';
import { emailsByUser } from '../migrations/8-emails-by-user.js';
import { push } from '../migrations/11-push.js';
import { rules } from '../migrations/14-rules.js';
import { emailsMoved } from '../migrations/15-emails-moved.js';
import { contactsByGroup } from '../migrations/16-contacts-by-group.js';
import { sms, smsLately } from '../migrations/17-sms.js';
import { toldRings } from '../migrations/20-told-rings.js';
import { pushReplicas } from '../migrations/21-push-replicas.js';
import { smsNumbers, smsNumbersFound } from '../migrations/22-sms-numbers.js';
import { ringsBegun } from '../migrations/23-begin-rings.js';
import { PreferenceStore } from '../preferences/preference-store.js';
import { UnsubscribeLinks } from '../preferences/unsubscribe-links.js';
import { NotificationsController } from '../push-ring/notifications.controller.js';
import { RuleStore } from '../rules/rule-store.js';
import type { NotificationsSettings } from '../settings.js';
import { SmppChannel } from '../sms/smpp-channel.js';
import { Sms } from '../sms/sms.js';
import { SmsReceipts } from '../sms/sms-receipts.js';
import { SmsStatusLinks } from '../sms/sms-status-links.js';
import { SmscLines } from '../sms/smsc-lines.js';
import { TwilioChannel } from '../sms/twilio-channel.js';
import { TemplateStore } from '../templates/template-store.js';
import { HandOver } from './hand-over.js';
import { Messages } from './messages.js';
import { TellByRules } from './tell-by-rules.reaction.js';

const fleet = new Fleet();
const before = [notifications, emailsByApp, emailsNotByTime, consumers, outbox, outboxFunctions, traces, outboxRows, emailsByUser, push];
export const schemaBefore = () => TestSchema.migrated(fleet, before);
export const moveEmails = [rules, emailsMoved];

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = { type: 'pkcs8', format: 'pem' } as const;
export const demo = 'demo' as AppId;

/** The service's part that tells by rules, on real servers: PostgreSQL, Redis, and a mail server of the app's own. */
export class Telling {
  readonly told: Push[] = [];
  says: () => Promise<PushOutcome> = async () => ({ outcome: 'accepted' });
  pushes = false;
  readonly failed: unknown[] = [];
  readonly #replicas: Messages[] = [];
  readonly #lines: SmscLines[] = [];

  private constructor(
    readonly schema: TestSchema,
    readonly smtp: SmtpStandIn,
    readonly settings: NotificationsSettings,
  ) {}

  static async start(more: Partial<NotificationsSettings> = {}): Promise<Telling> {
    const schema = await TestSchema.migrated(fleet, [
      ...before,
      rules,
      emailsMoved,
      contactsByGroup,
      sms,
      smsLately,
      toldRings,
      pushReplicas,
      ringsBegun,
      smsNumbers,
      smsNumbersFound,
    ]);
    const dkimKey = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const smtp = await SmtpStandIn.start({ certificate, username: 'center', password: 'correct', dkimKey });
    const secret = `test:${randomBytes(32).toString('base64')}`;
    const settings = pushSettings({
      REDIS_URL: fleet.state.servers.redis,
      SECRETS_KEY: KeyRing.parse(secret),
      PUBLIC_URL: 'https://center.example.com',
      MAIL_TIMEOUT_MS: 2000,
      EMAILS_PER_HOUR: 20,
      SMS_PER_HOUR: 20,
      // What is not answered in time is sent again: on a busy machine that would be a second SMS.
      SMS_TIMEOUT_MS: 20_000,
      SMPP_KEEP_SECONDS: 60,
      MESSAGES_PER_SECOND: 1000,
      RETRY_SCHEDULE_SECONDS: [0, 0.2, 0.4, 0.4],
      ...more,
    } as Partial<NotificationsSettings>);
    const made = new Telling(schema, smtp, settings);
    await made.credentials.save(demo, made.server());
    return made;
  }

  server(more: object = {}) {
    return {
      ...{
        provider: 'smtp' as const,
        host: '127.0.0.1',
        port: this.smtp.port,
        security: 'starttls' as const,
        username: 'center',
        password: 'correct',
      },
      ...{ from: 'calls@shop.example', fromName: 'Shop' },
      dkim: { domain: 'shop.example', selector: 'calls', privateKey: String(pair.privateKey.export(pem)) },
      ...more,
    };
  }

  get database() {
    const { schema } = this;
    const during = (_kind: string, work: () => unknown) => work();
    const query = schema.query.bind(schema);
    return { schema: schema.schema, query, background: { query }, transaction: schema.transaction.bind(schema), during } as never;
  }
  get credentials() {
    return new ChannelCredentialStore(this.database, this.settings);
  }
  get templates() {
    return new TemplateStore(this.database);
  }
  get rules() {
    return new RuleStore(this.database, this.templates);
  }
  get preferences() {
    return new PreferenceStore(this.database);
  }
  get links() {
    return new UnsubscribeLinks(this.settings);
  }
  get mail() {
    return new Mail(this.credentials, this.settings, silentLog);
  }
  get registrations() {
    return new RegistrationStore(this.database);
  }

  /** Starts a replica. @returns what hears events there. */
  replica({ works = true } = {}): TellByRules & { messages: Messages; receipts: SmsReceipts } {
    const known = { hasApp: () => this.pushes, of: async () => (this.pushes ? { appId: demo, version: '1', credential: {} } : undefined) };
    const channel = {
      send: (one: Push) => {
        this.told.push(one);
        return this.says();
      },
    };
    const relay = { committed: () => undefined } as never;
    const report = (error: unknown) => void this.failed.push(error);
    const receipts = new SmsReceipts(this.database, relay, silentLog, report);
    const lines = new SmscLines(this.credentials, receipts, this.database, this.settings, report);
    const twilio = new TwilioChannel(this.credentials, new SmsStatusLinks(this.settings), this.settings);
    const sms = new Sms(new SmppChannel(lines, this.credentials), twilio, silentLog);
    const handOver = new HandOver(
      ...([
        this.templates,
        this.mail,
        sms,
        this.links,
        { of: () => channel },
        known,
        this.registrations,
        silentLog,
      ] as unknown as ConstructorParameters<typeof HandOver>),
    );
    const messages = new Messages(this.database, handOver, this.mail, known as never, relay, this.settings, report, { areUnderWay: false });
    if (works) {
      messages.onApplicationBootstrap();
      lines.onApplicationBootstrap();
    }
    this.#replicas.push(messages);
    this.#lines.push(lines);
    return Object.assign(new TellByRules(this.database, this.rules, messages, { heedTypes: () => undefined }), { messages, receipts });
  }

  async contact(userAlias: string, more: object = {}): Promise<void> {
    const row = {
      app_id: 'demo',
      user_alias: userAlias,
      sequence: 1,
      name: userAlias.toUpperCase(),
      email: `${userAlias}@example.com`,
      ...more,
    };
    await this.schema.query('INSERT INTO contacts SELECT * FROM json_populate_record(NULL::contacts, $1)', [JSON.stringify(row)]);
  }

  async online(userAlias: string): Promise<void> {
    await this.schema.query("INSERT INTO live_sessions VALUES (gen_random_uuid(), 'demo', $1, 'd', 1)", [userAlias]);
  }

  async chains() {
    type Row = {
      state: string;
      outcome: string | null;
      reason: string | null;
      step: number;
      attempts: number;
      message_id: string;
      rule_id: string;
    };
    return (await this.schema.query<Row>('SELECT * FROM messages ORDER BY message_id')).rows;
  }

  async sent() {
    type Row = { notification_id: string; channel: string; state: string; reason: string | null; rule_id: string; attempts: number };
    return (await this.schema.query<Row>('SELECT * FROM sent_notifications ORDER BY created_at, channel DESC')).rows;
  }

  /** Deletes from Redis what is of this test; others use the same server. @returns how many keys there were. */
  async emptyRedis(): Promise<number> {
    const { hostname, port } = new URL(this.settings.REDIS_URL);
    const script = "local found = redis.call('keys', ARGV[1]) for _, key in ipairs(found) do redis.call('del', key) end return #found";
    const words = ['EVAL', script, '0', `bull:${this.schema.schema}-messages*`];
    const socket = connect(Number(port || 6379), hostname);
    socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    return Number(String(answer).slice(1).trim());
  }

  /** What is told of notifications, in order. */
  async events() {
    const { rows } = await this.schema.query<{ key: string; event: { type: string; sequence: number; data: object } }>(
      'SELECT key, event FROM outbox ORDER BY id',
    );
    return rows.map(({ event }) => event);
  }

  /** The app says that one was opened. */
  opened(notificationId: string, by: object = { kind: 'user', appId: 'demo', userAlias: 'bob' }): Promise<void> {
    return new NotificationsController(this.database, { committed: () => undefined } as never).opened(by as never, notificationId);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#replicas, ...this.#lines].map((one) => one.beforeApplicationShutdown()));
    await this.smtp.stop();
    await this.schema.drop();
  }
}

/** Events of one call of alice to bob. */
export function callOf({ audience = ['alice', 'bob'], appId = 'demo', secondsAgo = 0 } = {}) {
  const callId = randomUUID();
  let sequence = 0;
  return (type: string, data: object = {}): CallEvent => {
    sequence += 1;
    const time = new Date(Date.now() - secondsAgo * 1000).toISOString();
    const envelope = { specversion: '1.0', id: randomUUID(), source: '/calls', time, subject: callId, appid: appId, callid: callId };
    return readEvent('calls.events', { ...envelope, type, sequence, dataversion: 1, data: { audience, ...data } } as unknown as AnyEvent);
  };
}

export const missed = (reason = 'no_answer') => ({ userAlias: 'bob', initiator: 'alice', reason });
export const dialed = {
  initiator: 'alice',
  initiatorDevice: 'a',
  callees: ['bob'],
  callType: 'audio_video',
  ringSeconds: 30,
  maxParticipants: 8,
  maxDurationSeconds: 60,
};
