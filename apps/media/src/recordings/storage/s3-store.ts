import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { RecordingStorageBody } from '@communication-center/contracts/recordings';
import type { ByteRange, FileStore, KeptFile } from './file-store.js';
import { GuardedHandler } from './guarded-handler.js';

/** Of a file that is larger, parts go apart; one at a time, since nothing hurries. S3 takes 10,000 of them: a file may have 80 GB. */
const partBytes = 8 * 1_048_576;
const retries = 3;

/** Keeps files on a server that speaks S3: in parts where they are large, encrypted by the server where that is wished. */
export class S3Store implements FileStore {
  readonly #client: S3Client;

  /** @param handler carries the requests, over connections of a guard where an app names the server. */
  constructor(
    private readonly place: Omit<RecordingStorageBody, 'prefix'>,
    handler = new GuardedHandler(),
  ) {
    const { endpoint, region, accessKeyId, secretAccessKey } = place;
    this.#client = new S3Client({
      ...{ endpoint, region, forcePathStyle: true, maxAttempts: retries },
      credentials: { accessKeyId, secretAccessKey },
      requestHandler: handler,
      // Servers other than Amazon's do not all know checksums at the end of a body.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async keep(key: string, { path, contentType }: KeptFile, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { bucket, encryption, kmsKeyId } = this.place;
    const encrypted = {
      ...(encryption !== 'none' && { ServerSideEncryption: encryption }),
      ...(encryption === 'aws:kms' && kmsKeyId && { SSEKMSKeyId: kmsKeyId }),
    };
    const abortController = new AbortController();
    const abort = () => abortController.abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const upload = new Upload({
        client: this.#client,
        params: { Bucket: bucket, Key: key, Body: createReadStream(path), ContentType: contentType, ...encrypted },
        ...{ queueSize: 1, partSize: partBytes, abortController },
      });
      await upload.done();
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async read(key: string, { start, end }: ByteRange): Promise<Readable | undefined> {
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.place.bucket, Key: key, Range: `bytes=${start}-${end}` }),
      );
      return Body instanceof Readable ? Body : undefined;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const Key of keys) await this.#client.send(new DeleteObjectCommand({ Bucket: this.place.bucket, Key }));
  }

  close(): void {
    this.#client.destroy();
  }
}
