import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { AppId } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import {
  type RecordingStorageBody,
  type RecordingStorageView,
  recordingStorageBodySchema,
  recordingStorageViewSchema,
} from '@communication-center/contracts/recordings';
import type { Sql } from '@communication-center/event-log';
import {
  AddressGuard,
  Identity,
  Postgres,
  ProblemError,
  Replicas,
  SealedBox,
  ServiceClient,
  Settings,
} from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { MediaSettings } from '../../settings.js';
import { DiskStore } from './disk-store.js';
import type { FileStore } from './file-store.js';
import { GuardedHandler } from './guarded-handler.js';
import { S3Store } from './s3-store.js';

/** Where the files of a recording are kept. */
export interface Storage {
  /** The app's own; null: the installation's. */
  storageId: string | null;
  store: FileStore;
  prefix: string;
}

interface Row {
  storage_id: string;
  app_id: AppId;
  sealed: Buffer;
}

/** Servers of apps whose connections are kept at once. */
const mostKept = 50;
/** Places that one app has at a time: one of before stays known for as long as something is kept there. */
const mostPlaces = 20;

/** Where recordings are kept: the installation's disks or S3 server, or, of apps that name one, a server of their own. */
@Injectable()
export class RecordingStorages {
  readonly #guard: AddressGuard;
  readonly #box: SealedBox;
  readonly #own: Storage;
  readonly #directory: ServiceClient;
  readonly #kept = new Map<string, { sealed: Buffer; store: S3Store; prefix: string }>();

  constructor(
    private readonly database: Postgres,
    identity: Identity,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {
    this.#guard = new AddressGuard(settings);
    this.#box = new SealedBox(settings.SECRETS_KEY);
    this.#own = { storageId: null, ...installationStore(settings) };
    this.#directory = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
  }

  /** @returns where what is made for an app now is to be kept. */
  async currentOf(appId: AppId): Promise<Storage> {
    const row = await this.#currentRow(appId);
    return row ? this.#storeOf(row) : this.#own;
  }

  /** @returns where a recording of the past is kept. @param storageId the app's own place; null: the installation's. */
  async of(storageId: string | null): Promise<Storage> {
    if (storageId === null) return this.#own;
    const { rows } = await this.database.query<Row>('SELECT storage_id, app_id, sealed FROM recording_storages WHERE storage_id = $1', [
      storageId,
    ]);
    const [row] = rows;
    if (!row) throw new Error(`The storage ${storageId} of a recording is not known any more`);
    return this.#storeOf(row);
  }

  /** @returns for how many days the app has recordings kept. */
  async keptDaysOf(appId: AppId): Promise<number> {
    const patience = { timeoutMs: 3000, retryForMs: 5000 };
    const { options } = await this.#directory.ask(internal.appOptions, { params: { appId } }, patience);
    return options.keepRecordingsDays ?? this.settings.KEEP_RECORDINGS_DAYS;
  }

  /** @throws ProblemError `invalid_request` for an address that may not be named. */
  require({ endpoint }: RecordingStorageBody): void {
    this.#guard.requireUrl('endpoint', endpoint);
  }

  /** @throws ProblemError `conflict` where recordings of the app are in as many places as they may be. */
  async save(appId: AppId, body: RecordingStorageBody): Promise<RecordingStorageView> {
    const place = [body.endpoint, body.bucket, body.prefix].join(' ');
    const sealed = this.#box.seal(ownerOf(appId), JSON.stringify(body));
    await this.database.transaction(async (tx) => {
      await tx.query('UPDATE recording_storages SET is_current = false WHERE app_id = $1 AND is_current', [appId]);
      await tx.query(
        `INSERT INTO recording_storages (storage_id, app_id, place, is_current, sealed) VALUES ($1, $2, $3, true, $4)
         ON CONFLICT (app_id, place) DO UPDATE SET is_current = true, sealed = excluded.sealed`,
        [randomUUID(), appId, place, sealed],
      );
      await boundPlaces(tx, appId);
    });
    return recordingStorageViewSchema.parse(body);
  }

  /** @returns what the app named, without its secret; undefined where that is nothing. */
  async view(appId: AppId): Promise<RecordingStorageView | undefined> {
    const row = await this.#currentRow(appId);
    return row && recordingStorageViewSchema.parse(this.#open(row));
  }

  /** What is made from now on is kept by the installation; what was kept elsewhere stays there. */
  async leave(appId: AppId): Promise<void> {
    await this.database.query('UPDATE recording_storages SET is_current = false WHERE app_id = $1 AND is_current', [appId]);
  }

  async #currentRow(appId: AppId): Promise<Row | undefined> {
    const { rows } = await this.database.query<Row>(
      'SELECT storage_id, app_id, sealed FROM recording_storages WHERE app_id = $1 AND is_current',
      [appId],
    );
    return rows[0];
  }

  #open({ app_id, sealed }: Row): RecordingStorageBody {
    return recordingStorageBodySchema.parse(JSON.parse(this.#box.open(ownerOf(app_id), sealed)));
  }

  #storeOf(row: Row): Storage {
    const { storage_id: storageId, sealed } = row;
    const known = this.#kept.get(storageId);
    if (known?.sealed.equals(sealed)) return { storageId, store: known.store, prefix: known.prefix };
    known?.store.close();
    const { prefix, ...place } = this.#open(row);
    const store = new S3Store(place, new GuardedHandler(this.#guard.connector()));
    this.#kept.set(storageId, { sealed, store, prefix });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) {
      this.#kept.get(oldest)?.store.close();
      this.#kept.delete(oldest);
    }
    return { storageId, store, prefix };
  }
}

/** Forgets places in which nothing is kept, once there are many. */
async function boundPlaces(tx: Sql, appId: AppId): Promise<void> {
  const count = async () =>
    (await tx.query('SELECT 1 FROM recording_storages WHERE app_id = $1 LIMIT $2', [appId, mostPlaces + 1])).rowCount;
  if ((await count()) !== mostPlaces + 1) return;
  await tx.query(
    `DELETE FROM recording_storages AS place WHERE app_id = $1 AND NOT is_current
       AND NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.app_id = $1 AND recordings.storage_id = place.storage_id)`,
    [appId],
  );
  if ((await count()) !== mostPlaces + 1) return;
  throw new ProblemError('conflict', `This app has recordings in as many places as it may: ${mostPlaces}. Delete those of one place first`);
}

/** What a place is sealed for: src/sealed-columns.ts says the same in SQL. */
const ownerOf = (appId: AppId) => `recordings/${appId}`;

function installationStore(settings: MediaSettings): Omit<Storage, 'storageId'> {
  const { RECORDINGS_S3: place, RECORDINGS_FOLDER } = settings;
  if (!place) return { store: new DiskStore(join(RECORDINGS_FOLDER, 'kept')), prefix: '' };
  const { prefix, ...rest } = place;
  return { store: new S3Store(rest), prefix };
}
