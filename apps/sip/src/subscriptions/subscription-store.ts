import type { AppId, UserAlias } from '@communication-center/contracts';
import { Postgres, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Package, ToldDialog } from '../domain/documents.js';
import type { Transport } from '../messages/sip-message.js';
import type { SipSettings } from '../settings.js';
import type { Subscription } from './subscription.js';

interface Row {
  local_tag: string;
  app_id: AppId;
  username: string | null;
  user_alias: UserAlias;
  package: Package;
  call_id: string;
  remote_tag: string;
  local_uri: string;
  remote_uri: string;
  remote_target: string;
  transport: Transport;
  host: string;
  port: number;
  remote_cseq: string;
  local_cseq: string;
  version: number;
  told: ToldDialog[];
  expires_at: Date;
}

/** Subscriptions outlive the process that took them: its successor at the same address goes on telling. */
@Injectable()
export class SubscriptionStore {
  readonly #home: string;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) settings: SipSettings,
  ) {
    this.#home = `${settings.SIP_PUBLIC_HOST}:${settings.SIP_PORT}`;
  }

  async add(one: Subscription): Promise<void> {
    await this.database.query(
      `INSERT INTO subscriptions (local_tag, home, app_id, user_alias, package, call_id, remote_tag, local_uri, remote_uri, remote_target,
                                  transport, host, port, remote_cseq, local_cseq, version, expires_at, username, told)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
      [
        one.localTag,
        this.#home,
        one.appId,
        one.userAlias,
        one.package,
        one.callId,
        one.remoteTag,
        one.localUri,
        one.remoteUri,
        ...changingOf(one),
      ],
    );
  }

  /** Writes what changes of a subscription; nothing of one that was deleted, which may have been asked for at the same moment. */
  async save(one: Subscription): Promise<void> {
    await this.database.query(
      `UPDATE subscriptions SET remote_target = $2, transport = $3, host = $4, port = $5, remote_cseq = $6, local_cseq = $7, version = $8,
                                expires_at = $9, username = $10, told = $11
       WHERE local_tag = $1`,
      [one.localTag, ...changingOf(one)],
    );
  }

  async delete(localTag: string): Promise<void> {
    await this.database.query('DELETE FROM subscriptions WHERE local_tag = $1', [localTag]);
  }

  /** @returns what an earlier process at this address left. */
  async load(): Promise<Subscription[]> {
    const { rows } = await this.database.query<Row>('SELECT * FROM subscriptions WHERE home = $1 AND expires_at > now()', [this.#home]);
    return rows.map((row) => ({
      localTag: row.local_tag,
      appId: row.app_id,
      username: row.username,
      userAlias: row.user_alias,
      package: row.package,
      callId: row.call_id,
      remoteTag: row.remote_tag,
      localUri: row.local_uri,
      remoteUri: row.remote_uri,
      remoteTarget: row.remote_target,
      peer: { transport: row.transport, host: row.host, port: row.port },
      remoteCseq: Number(row.remote_cseq),
      localCseq: Number(row.local_cseq),
      version: row.version,
      told: row.told,
      expiresAt: row.expires_at.getTime(),
    }));
  }
}

/** @returns what changes of a subscription while it lasts, in the order of the table's columns. */
function changingOf(one: Subscription): unknown[] {
  const { transport, host, port } = one.peer;
  const told = JSON.stringify(one.told);
  return [one.remoteTarget, transport, host, port, one.remoteCseq, one.localCseq, one.version, new Date(one.expiresAt), one.username, told];
}
