import { Place } from './place.js';

/** What all records of a batch share. */
export interface RecordBatch {
  firstOffset: number;
  firstTimestamp: number;
  maxTimestamp: number;
  /** Whether the broker said when each record came, rather than its writer. */
  isLogAppendTime: boolean;
  isControlRecord: boolean;
  /** What kafkajs asks of records when a transaction was given up. */
  context: { producerId: string; inTransaction: boolean };
}

type Headers = Record<string, Buffer | Buffer[] | undefined>;

/** @returns a header of a record as text, without a look at any other where the record allows it; undefined where it has none of that name. */
export function headerOf(
  message: { headers?: Record<string, Buffer | string | (Buffer | string)[] | undefined> },
  name: string,
): string | undefined {
  return message instanceof FetchedRecord ? message.header(name) : message.headers?.[name]?.toString();
}

/**
 * A record of the log, as kafkajs says it, of which each part is read when it is asked for: most of what a service fetches it passes over by a
 * header. It keeps the answer of the broker in memory for as long as it lives, as the views of kafkajs do.
 */
export class FetchedRecord {
  readonly attributes = 0;
  readonly offset: string;
  readonly #timestampDelta: number;
  readonly #bytes: Buffer;
  readonly #keyAt: number;
  readonly #end: number;
  readonly #batch: RecordBatch;
  #key: Buffer | null | undefined;
  #value: Buffer | null | undefined;
  #headersAt = 0;
  #headers: Headers | undefined;

  /**
   * @param at where its attributes begin, behind its length. @param end the first byte that is not its own.
   * @throws RangeError for what is no record.
   */
  constructor(bytes: Buffer, at: number, end: number, batch: RecordBatch) {
    // Its attributes are of no use so far: nobody sets them.
    const place = new Place(bytes, at + 1);
    this.#timestampDelta = place.varint();
    this.offset = String(batch.firstOffset + place.varint());
    this.#bytes = bytes;
    this.#keyAt = place.at;
    this.#end = end;
    this.#batch = batch;
  }

  get timestamp(): string {
    const { isLogAppendTime, maxTimestamp, firstTimestamp } = this.#batch;
    return String(isLogAppendTime ? maxTimestamp : firstTimestamp + this.#timestampDelta);
  }

  get isControlRecord(): boolean {
    return this.#batch.isControlRecord;
  }

  get batchContext(): RecordBatch['context'] {
    return this.#batch.context;
  }

  get key(): Buffer | null {
    if (this.#key === undefined) this.#readKeyAndValue();
    return this.#key as Buffer | null;
  }

  get value(): Buffer | null {
    if (this.#value === undefined) this.#readKeyAndValue();
    return this.#value as Buffer | null;
  }

  get headers(): Headers {
    this.#headers ??= this.#readHeaders();
    return this.#headers;
  }

  /** @returns the first header of a name, which is of ASCII alone, as text. */
  header(name: string): string | undefined {
    if (this.#headersAt === 0) this.#readKeyAndValue();
    const [bytes, end] = [this.#bytes, this.#end];
    const place = new Place(bytes, this.#headersAt);
    for (let left = place.varint(); left > 0; left -= 1) {
      const [nameLength, nameAt] = [place.varint(), place.at];
      place.at += Math.max(0, nameLength);
      const [length, at] = [place.varint(), place.at];
      place.at += Math.max(0, length);
      if (place.at > end) throw new RangeError('a record of the log is longer than it says');
      if (nameLength === name.length && isAt(bytes, nameAt, name)) return length < 0 ? undefined : bytes.toString('utf8', at, place.at);
    }
    return undefined;
  }

  #readKeyAndValue(): void {
    const place = new Place(this.#bytes, this.#keyAt);
    this.#key = place.lengthAndBytes(this.#end);
    this.#value = place.lengthAndBytes(this.#end);
    this.#headersAt = place.at;
  }

  #readHeaders(): Headers {
    if (this.#headersAt === 0) this.#readKeyAndValue();
    const place = new Place(this.#bytes, this.#headersAt);
    const headers: Headers = {};
    const count = place.varint();
    for (let n = 0; n < count; n += 1) {
      const name = place.lengthAndText(this.#end);
      const value = place.lengthAndBytes(this.#end) ?? undefined;
      const before = headers[name];
      headers[name] = before === undefined ? value : [before, value].flat().filter((one) => one !== undefined);
    }
    return headers;
  }
}

function isAt(bytes: Buffer, at: number, name: string): boolean {
  for (let n = 0; n < name.length; n += 1) if (bytes[at + n] !== name.charCodeAt(n)) return false;
  return true;
}
