import { isDeepStrictEqual } from 'node:util';
import type { AnyEvent, AppId, Presence, UserAlias } from '@communication-center/contracts';
import { type OutboxEntry, OutboxRelay, type Sql, writeOutbox } from '@communication-center/event-log';
import { DueRows, Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { presenceOf } from '../domain/presence-of.js';
import { type Person, readKnown } from './read-known.js';

const batchSize = 100;
const pollMs = 40;

interface Change extends Person {
  presence: Presence;
}

/**
 * Looks at everyone who was marked, and publishes the presence of those who are somewhere else than was last said. Only
 * here a version rises, under the lock of the user's row: a rebuild that comes to the same result says nothing.
 */
@Injectable()
export class PublishChanges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    @Inject(Report) report: ReportError,
  ) {
    this.#loop = new DueRows({ name: 'publishing presence', work: () => this.#publish(), onError: report, maxPauseMs: pollMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  async #publish(): Promise<number | null> {
    const { shards, full } = await this.database.transaction(async (tx) => {
      const marked = await takeMarked(tx);
      if (marked.length === 0) return { shards: [], full: false };
      const entries = await this.#lookAt(tx, marked);
      return { shards: await writeOutbox(tx, entries), full: marked.length === batchSize };
    });
    this.relay.committed(shards);
    return full ? 0 : null;
  }

  async #lookAt(tx: Sql, marked: readonly Person[]): Promise<OutboxEntry[]> {
    const before = await lockPeople(tx, marked);
    const changes: Change[] = [];
    const erased: Person[] = [];
    for (const { known, ...person } of await readKnown(tx, marked)) {
      const last = before.get(nameOf(person));
      if (!known && last?.published) {
        erased.push(person);
        changes.push({ ...person, presence: farewell(person.userAlias, last.version + 1) });
      } else if (!known) erased.push(person);
      else if (!last || !isSame(last.published, presenceOf(known))) {
        changes.push({ ...person, presence: { ...presenceOf(known), version: (last?.version ?? 0) + 1 } });
      }
    }
    await savePeople(tx, changes, erased);
    await savePositions(tx, changes);
    return [...changes.map(toEntry), ...erased.map((person) => ({ topic: 'presence.events' as const, key: nameOf(person), event: null }))];
  }
}

const nameOf = ({ appId, userAlias }: Person) => `${appId}/${userAlias}`;

function isSame(published: Presence | null, now: Omit<Presence, 'version'>): boolean {
  if (!published) return false;
  const { version: _, ...said } = published;
  return isDeepStrictEqual(said, now);
}

/** Takes marks away; whoever would mark one of them again waits until this has committed. */
async function takeMarked(tx: Sql): Promise<Person[]> {
  const { rows } = await tx.query<{ app_id: AppId; user_alias: UserAlias }>(
    `DELETE FROM people_to_look_at WHERE (app_id, user_alias) IN (
       SELECT app_id, user_alias FROM people_to_look_at ORDER BY app_id, user_alias LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING app_id, user_alias`,
    [batchSize],
  );
  return rows.map(({ app_id, user_alias }) => ({ appId: app_id, userAlias: user_alias }));
}

async function lockPeople(tx: Sql, people: readonly Person[]): Promise<Map<string, { version: number; published: Presence | null }>> {
  const { rows } = await tx.query<{ app_id: AppId; user_alias: UserAlias; version: string; published: Presence | null }>(
    `INSERT INTO people (app_id, user_alias, version)
     SELECT app_id, user_alias, 0 FROM unnest($1::text[], $2::text[]) AS p(app_id, user_alias) ORDER BY 1, 2
     ON CONFLICT (app_id, user_alias) DO UPDATE SET version = people.version
     RETURNING app_id, user_alias, version, published`,
    [people.map(({ appId }) => appId), people.map(({ userAlias }) => userAlias)],
  );
  return new Map(
    rows.map((row) => [
      nameOf({ appId: row.app_id, userAlias: row.user_alias }),
      { version: Number(row.version), published: row.published },
    ]),
  );
}

/** The last word about somebody who was deleted. */
function farewell(userAlias: UserAlias, version: number): Presence {
  return { userAlias, status: 'offline', doNotDisturb: false, version, calls: [], devices: [], lastSeenAt: null };
}

async function savePeople(tx: Sql, changes: readonly Change[], erased: readonly Person[]): Promise<void> {
  const gone = new Set(erased.map(nameOf));
  const all = [...changes.filter((change) => !gone.has(nameOf(change))), ...erased.map((person) => ({ ...person, presence: null }))];
  await tx.query(
    `UPDATE people SET version = coalesce((said.presence->>'version')::bigint, people.version + 1), published = said.presence
     FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS said(app_id, user_alias, presence)
     WHERE people.app_id = said.app_id AND people.user_alias = said.user_alias`,
    [
      all.map(({ appId }) => appId),
      all.map(({ userAlias }) => userAlias),
      all.map(({ presence }) => (presence ? JSON.stringify(presence) : null)),
    ],
  );
}

/** Gives changes their place in the app's order. The app's row is locked until the commit, so no place is ever taken late. */
async function savePositions(tx: Sql, changes: readonly Change[]): Promise<void> {
  const byApp = [...Map.groupBy(changes, ({ appId }) => appId)].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [appId, ofApp] of byApp) {
    const { rows } = await tx.query<{ position: string }>(
      `INSERT INTO positions (app_id, position) VALUES ($1, $2)
       ON CONFLICT (app_id) DO UPDATE SET position = positions.position + excluded.position RETURNING position`,
      [appId, ofApp.length],
    );
    const last = Number(rows[0]?.position);
    await tx.query(
      `INSERT INTO changes (app_id, position, user_alias, presence)
       SELECT $1, $2 + number, user_alias, presence
       FROM unnest($3::text[], $4::json[]) WITH ORDINALITY AS change(user_alias, presence, number)`,
      [appId, last - ofApp.length, ofApp.map(({ userAlias }) => userAlias), ofApp.map(({ presence }) => JSON.stringify(presence))],
    );
  }
}

function toEntry({ presence, ...person }: Change): OutboxEntry {
  const event: AnyEvent = {
    specversion: '1.0',
    id: uuidv7(),
    source: '/presence',
    type: 'presence.changed',
    time: new Date().toISOString(),
    subject: nameOf(person),
    appid: person.appId,
    sequence: presence.version,
    dataversion: 1,
    data: presence,
  };
  return { topic: 'presence.events', key: nameOf(person), event };
}
