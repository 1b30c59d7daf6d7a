import type { AppId, CallId, CallState, CommandId, DeviceId, UserAlias } from '@communication-center/contracts';
import type { Transaction } from '@communication-center/event-log';
import { type Fleet, TestSchema } from '@communication-center/testing';
import { v7 as uuidv7 } from 'uuid';
import { DeadlineSweep } from '../deadlines/deadline-sweep.js';
import type { Command, DialCall } from '../domain/commands.js';
import { migrations } from '../migrations/all.js';
import { type AskedCommand, namedBy } from './asked-command.js';
import type { Reply } from './command-memory.js';
import { DecisionRoom } from './decision-room.js';
import type { User } from './hold.js';

export const app = 'app' as AppId;
export const user = (name: string) => name as UserAlias;
export const phoneOf = (name: string) => `${name}-phone` as DeviceId;
export const chances = { outageAfterMs: 2000, graceMs: 5000, connectionGraceMs: 30_000, mediaGraceMs: 60_000 };

/** What runs statements; what they were is written down. */
class Counted {
  readonly statements: string[] = [];
  losesNextAnswer = false;

  constructor(private readonly schema: TestSchema) {}

  query: TestSchema['query'] = (text, values) => {
    this.statements.push(text);
    return this.schema.query(text, values);
  };

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const done = await this.schema.transaction(async (tx) => {
      this.statements.push('BEGIN');
      const query: Transaction['query'] = (text, values) => {
        this.statements.push(text);
        return tx.query(text, values);
      };
      const result = await work({ query, last: query, alone: query });
      this.statements.push('COMMIT');
      return result;
    });
    if (this.losesNextAnswer) {
      this.losesNextAnswer = false;
      throw new Error('Connection terminated unexpectedly');
    }
    return done;
  }
}

/** The calls service's schema, with the room that decides and sweeps that fire deadlines. */
export class Store {
  readonly errors: unknown[] = [];
  readonly statements: string[];
  readonly room: DecisionRoom;
  /** That of another replica. */
  readonly otherRoom: DecisionRoom;
  readonly #counted: Counted;
  readonly #sweeps: DeadlineSweep[] = [];

  private constructor(readonly schema: TestSchema) {
    this.#counted = new Counted(schema);
    this.statements = this.#counted.statements;
    const report = (error: unknown) => this.errors.push(error);
    const settings = { CONNECTION_GRACE_MS: chances.connectionGraceMs, DATABASE_POOL: 8 };
    const makeRoom = () => new DecisionRoom(this.#counted, { committed: () => undefined }, settings, report);
    this.room = makeRoom();
    this.otherRoom = makeRoom();
  }

  /** @param made the schema's migrations: all, unless an older release is played. */
  static async make(fleet: Fleet, made = migrations): Promise<Store> {
    return new Store(await TestSchema.migrated(fleet, made as never));
  }

  /** A replica's sweep. */
  sweep(): DeadlineSweep {
    const sweep = new DeadlineSweep({
      database: this.#counted,
      committed: () => undefined,
      onFired: () => undefined,
      report: (error) => this.errors.push(error),
      chances,
    });
    this.#sweeps.push(sweep);
    return sweep;
  }

  async carryOut(...commands: (Command | AskedCommand)[]): Promise<Reply[]> {
    const asked = commands.map((one) => ('appId' in one ? one : { appId: app, command: one }));
    await this.know(asked.flatMap(namedBy));
    // They arrive in the same turn of the event loop, and so go together.
    return Promise.all(asked.map((one) => this.room.carryOut(one)));
  }

  /** Lets the next transaction commit, and its answer be lost. */
  loseNextAnswer(): void {
    this.#counted.losesNextAnswer = true;
  }

  /** Lets users be known. */
  async know(users: readonly User[]): Promise<void> {
    if (users.length === 0) return;
    await this.schema.query(
      `INSERT INTO user_settings SELECT app_id, user_alias, 1, false, false FROM unnest($1::text[], $2::text[]) AS named(app_id, user_alias)
       ON CONFLICT DO NOTHING`,
      [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
    );
  }

  /** @returns the call that a dial made. */
  async dial(initiator: string, callees: string[], more: Partial<DialCall> = {}): Promise<CallState> {
    const [reply] = await this.carryOut(dialOf(initiator, callees, more));
    if (!reply?.call) throw new Error(JSON.stringify(reply?.problem));
    return reply.call;
  }

  async eventsOf(callId: CallId): Promise<string[]> {
    const { rows } = await this.schema.query<{ type: string }>('SELECT type FROM events WHERE call_id = $1 ORDER BY version', [callId]);
    return rows.map(({ type }) => type);
  }

  /** Lets ring times be over for so many milliseconds. */
  async letRingTimesEnd(byMs = 0): Promise<void> {
    await this.schema.query("UPDATE deadlines SET due_at = now() - make_interval(secs => $1) WHERE kind = 'ring'", [byMs / 1000]);
    await this.schema.query(
      'UPDATE calls SET state = regexp_replace(state::text, \'"until": "[^"]+"\', \'"until": "2020-01-01T00:00:00.000Z"\', \'g\')::jsonb',
    );
  }

  async count(table: string): Promise<number> {
    const { rows } = await this.schema.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`);
    return rows[0]?.count ?? 0;
  }

  async end(): Promise<void> {
    await Promise.all(this.#sweeps.map((sweep) => sweep.stop()));
    await this.schema.drop();
  }
}

export function dialOf(initiator: string, callees: string[], more: Partial<DialCall> = {}): DialCall {
  return {
    type: 'DialCall',
    callId: uuidv7() as CallId,
    initiator: user(initiator),
    initiatorDevice: phoneOf(initiator),
    callees: callees.map(user),
    callType: 'audio_video',
    ringSeconds: 60,
    maxDurationSeconds: 3600,
    maxParticipants: 8,
    mediaSetupSeconds: 0,
    callWaiting: false,
    ...more,
  };
}

export const keyOf = (commandId: string, fingerprint = 'same') => ({ actor: 'key:one', commandId: commandId as CommandId, fingerprint });
