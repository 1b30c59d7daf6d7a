import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AppId } from '@communication-center/contracts';
import { AddressGuard, DueRows, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { trusted } from '../channels/trusted.js';
import { pauseAfter } from '../domain/backoff.js';
import { ChannelCredentialStore, type KeptChannel } from '../mail/channel-credential-store.js';
import type { NotificationsSettings } from '../settings.js';
import { SmsReceipts } from './sms-receipts.js';
import { SmscConnection } from './smsc-connection.js';

interface Line {
  version: string;
  connection: Promise<SmscConnection> | undefined;
  isOpen: boolean;
  /** Attempts to connect that failed in a row, and until when there is no further one. */
  failures: number;
  restsUntil: number;
  lastFault: string;
  usedAt: number;
}

/** That a line is not tried now, since it failed a moment ago. */
export class LineRests extends Error {
  constructor(
    fault: string,
    readonly leftMs: number,
  ) {
    super(fault);
  }
}

const lookEveryMs = 15_000;
const idleMs = 60_000;
const enquireMs = 30_000;
/** So many are kept for receipts alone. */
const mostKept = 500;

/**
 * The connections of this replica to the SMSCs of apps, one for each app: made when an SMS is to go, and kept as long as receipts are
 * waited for, by whichever replica finds that they are.
 */
@Injectable()
export class SmscLines implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #lines = new Map<AppId, Line>();
  readonly #guard: AddressGuard;
  readonly #loop: DueRows;
  #isEnding = false;

  constructor(
    private readonly credentials: ChannelCredentialStore,
    private readonly receipts: SmsReceipts,
    private readonly database: Postgres,
    @Inject(Settings) private readonly settings: NotificationsSettings,
    @Inject(Report) report: ReportError,
  ) {
    this.#guard = new AddressGuard(settings);
    this.#loop = new DueRows({ name: 'keeping connections to SMSCs', work: () => this.look(), onError: report, maxPauseMs: lookEveryMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isEnding = true;
    await this.#loop.stop();
    await Promise.all([...this.#lines.values()].map((line) => closed(line)));
  }

  /** @returns the app's connection, made if need be. @throws LineRests, BindRefused, or why it cannot be connected to. */
  async of(appId: AppId, version: string): Promise<SmscConnection> {
    const line = this.#lineOf(appId, version);
    line.usedAt = Date.now();
    const known = await line.connection?.catch(() => undefined);
    if (known?.isOpen) return known;
    if (line.connection && !line.isOpen) line.connection = undefined;
    const leftMs = line.restsUntil - Date.now();
    if (leftMs > 0) throw new LineRests(line.lastFault, leftMs);
    line.connection ??= this.#open(appId, line);
    return line.connection;
  }

  /** Binds on a connection of its own, and unbinds; or asks on the one that is there, since many SMSCs allow one alone. @throws as {@link of}. */
  async verify(appId: AppId, kept: KeptChannel<'smpp'>): Promise<void> {
    const line = this.#lines.get(appId);
    const there = line?.version === kept.version ? await line.connection?.catch(() => undefined) : undefined;
    if (there?.isOpen) return there.enquire();
    const connection = await this.#bind(appId, kept, () => undefined);
    await connection.close();
  }

  /** Opens what receipts are waited for on, and closes what nobody needs. @returns null: it is looked again after a while. */
  async look(): Promise<null> {
    const { rows } = await this.database.background.query<{ appId: AppId; version: string }>(
      `SELECT app_id AS "appId", version FROM channel_credentials AS line WHERE provider = 'smpp' AND EXISTS (
         SELECT 1 FROM sms_parts AS part WHERE part.app_id = line.app_id AND part.state IS NULL AND part.created_at > now() - make_interval(secs => $1))
       LIMIT ${mostKept}`,
      [this.settings.SMPP_KEEP_SECONDS],
    );
    const awaited = new Map(rows.map(({ appId, version }) => [appId, version]));
    for (const [appId, line] of this.#lines)
      if (awaited.get(appId) !== line.version && Date.now() - line.usedAt > idleMs) {
        this.#lines.delete(appId);
        void closed(line);
      }
    // One that cannot be opened is tried again the next time; what is to be sent says why.
    for (const [appId, version] of awaited) void this.of(appId, version).catch(() => undefined);
    return null;
  }

  #lineOf(appId: AppId, version: string): Line {
    const known = this.#lines.get(appId);
    if (known?.version === version) return known;
    // What is under way on the one before gets its answers.
    if (known) void closed(known);
    const line = { version, connection: undefined, isOpen: false, failures: 0, restsUntil: 0, lastFault: '', usedAt: Date.now() };
    this.#lines.set(appId, line);
    return line;
  }

  async #open(appId: AppId, line: Line): Promise<SmscConnection> {
    line.isOpen = true;
    try {
      if (this.#isEnding) throw new Error('the service is being stopped');
      const kept = await this.credentials.read(appId, 'smpp');
      if (!kept) throw new Error('the SMSC of the app was taken away just now');
      const connection = await this.#bind(appId, kept, () => this.#rest(line, 'the connection was closed'));
      line.failures = 0;
      return connection;
    } catch (error) {
      this.#rest(line, (error as Error).message);
      throw error;
    }
  }

  /** Nobody comes back at once, nor at the moment others do. */
  #rest(line: Line, fault: string): void {
    if (!line.isOpen) return;
    line.isOpen = false;
    line.failures += 1;
    line.lastFault = fault;
    line.restsUntil = Date.now() + pauseAfter(line.failures, undefined, Math.random());
  }

  async #bind(appId: AppId, { facts, secret }: KeptChannel<'smpp'>, onEnd: () => void): Promise<SmscConnection> {
    const { host, port, security, systemId, systemType, window } = facts;
    const socket = await this.#connect(host, port, security === 'tls');
    const onReceipt = (pdu: Parameters<SmsReceipts['ofSmsc']>[1]) => this.receipts.ofSmsc(appId, pdu);
    const options = {
      systemId,
      systemType,
      password: secret.password ?? '',
      window,
      timeoutMs: this.settings.SMS_TIMEOUT_MS,
      enquireMs,
      onReceipt,
    };
    return SmscConnection.bind(socket, options, onEnd);
  }

  /** Each connection passes the guard of addresses, as what an app names must. */
  async #connect(host: string, port: number, isSecured: boolean): Promise<Socket> {
    const wanted = { hostname: host, host, protocol: 'http:', port: String(port) };
    const plain = await new Promise<Socket>((resolve, reject) =>
      this.#guard.connector()(wanted, (error, socket) => (socket ? resolve(socket) : reject(error ?? new Error('not connected')))),
    );
    plain.setNoDelay(true);
    if (!isSecured) return plain;
    const ca = await trusted(this.settings.PUSH_CA_FILE);
    const secured = connectTls({ socket: plain, ...(ca && { ca }), ...(isIP(host) === 0 && { servername: host }), minVersion: 'TLSv1.2' });
    try {
      await once(secured, 'secureConnect', { signal: AbortSignal.timeout(this.settings.SMS_TIMEOUT_MS) });
      return secured;
    } catch (error) {
      secured.destroy();
      throw error;
    }
  }
}

async function closed({ connection }: Line): Promise<void> {
  await connection?.then((one) => one.close()).catch(() => undefined);
}
