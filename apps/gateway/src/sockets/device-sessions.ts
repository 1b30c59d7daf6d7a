import type { SessionCloseReason } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { Postgres, Report, type ReportError, Settings, SocketSessions } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { GatewaySettings } from '../settings.js';
import type { Device } from './socket-owner.js';

/** When devices come in a crowd. Who comes after a pause waits for nothing. */
const paceMs = 100;

type About = Omit<Device, 'appId' | 'token' | 'ring'> & { away: boolean };

/** Records the devices whose sockets are here as sessions under this gateway's lease. */
@Injectable()
export class DeviceSessions {
  readonly #sessions: SocketSessions<About, SessionCloseReason>;
  #onExpelled: () => void = () => undefined;

  constructor(
    database: Postgres,
    relay: OutboxRelay,
    @Inject(Settings) settings: Pick<GatewaySettings, 'LEASE_MS'>,
    @Inject(Report) report: ReportError,
  ) {
    this.#sessions = new SocketSessions({
      database: database.of('commands'),
      closeOn: database.of('consumers'),
      relay,
      topic: 'sessions.events',
      leaseMs: settings.LEASE_MS,
      paceMs,
      lostReason: 'gateway_lost',
      tell: ({ about: { away, ...about } }, what) => ({
        type:
          typeof what === 'object'
            ? 'session.closed'
            : what === 'opened'
              ? 'session.opened'
              : away
                ? 'session.went_away'
                : 'session.came_back',
        source: '/gateway',
        data: { ...about, ...(typeof what === 'object' && { reason: what.closed }) },
      }),
      onExpelled: () => this.#onExpelled(),
      onError: report,
    });
  }

  /** @param onExpelled called when others took this gateway for dead, and closed all of its sessions. */
  async start(onExpelled: () => void): Promise<void> {
    this.#onExpelled = onExpelled;
    await this.#sessions.start();
  }

  async stop(reason: SessionCloseReason): Promise<void> {
    await this.#sessions.stop(reason);
  }

  /** Resolves when the lease is known to be this gateway's still. */
  async assured(): Promise<void> {
    await this.#sessions.assured();
  }

  async open(device: Device): Promise<void> {
    await this.#sessions.open(recordOf(device, false));
  }

  async change(device: Device, { away }: { away: boolean }): Promise<void> {
    await this.#sessions.change(recordOf(device, away));
  }

  close({ sessionId }: Device, reason: SessionCloseReason): void {
    this.#sessions.close(sessionId, reason);
  }
}

/** What is told of a device's session: never by what token it was let in. */
function recordOf({ token: _, ring: __, ...device }: Device, away: boolean) {
  const { appId, ...about } = device;
  return { sessionId: device.sessionId, appId, about: { ...about, away } };
}
