/* Values as RTMP carries them: AMF 0 (Action Message Format, 2006), as far as publishing asks for it. */

export type AmfValue = number | string | boolean | null | AmfValue[] | { [name: string]: AmfValue };

/** Something is not what it should be, or goes deeper than anything honest. */
export class AmfFault extends Error {}

const deepest = 8;

/** @returns the values one after another. Texts are short: at most 65,535 bytes each. */
export function writeAmf(...values: readonly AmfValue[]): Buffer {
  return Buffer.concat(values.map(writeOne));
}

function writeOne(value: AmfValue): Buffer {
  if (value === null) return Buffer.from([5]);
  if (typeof value === 'boolean') return Buffer.from([1, value ? 1 : 0]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), name(value)]);
  if (Array.isArray(value)) {
    const head = Buffer.from([10, 0, 0, 0, 0]);
    head.writeUInt32BE(value.length, 1);
    return Buffer.concat([head, ...value.map(writeOne)]);
  }
  const fields = Object.entries(value).map(([key, one]) => Buffer.concat([name(key), writeOne(one)]));
  return Buffer.concat([Buffer.from([3]), ...fields, Buffer.from([0, 0, 9])]);
}

function name(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** @returns the values in some bytes. @throws AmfFault where they are none. */
export function readAmf(bytes: Buffer): AmfValue[] {
  const reader = new Reader(bytes);
  const values: AmfValue[] = [];
  while (!reader.isDone) values.push(reader.value(0));
  return values;
}

class Reader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get isDone(): boolean {
    return this.#at >= this.bytes.length;
  }

  value(depth: number): AmfValue {
    if (depth > deepest) throw new AmfFault('values within values within values');
    const [type] = this.#take(1);
    switch (type) {
      case 0:
        return this.#take(8).readDoubleBE();
      case 1:
        return this.#take(1)[0] !== 0;
      case 2:
        return this.#text();
      case 3:
        return this.#fields(depth);
      case 5:
      case 6:
        return null;
      case 8:
        this.#take(4);
        return this.#fields(depth);
      case 10:
        return this.#values(this.#take(4).readUInt32BE(), depth);
      // A date, as milliseconds since 1970; the time zone behind it says nothing (section 2.13).
      case 11:
        return this.#take(10).readDoubleBE();
      case 12:
        return this.#take(this.#take(4).readUInt32BE()).toString('utf8');
      default:
        throw new AmfFault(`no value begins with ${type}`);
    }
  }

  #fields(depth: number): AmfValue {
    const fields: [string, AmfValue][] = [];
    for (;;) {
      const key = this.#text();
      if (key === '' && this.bytes[this.#at] === 9) {
        this.#at += 1;
        return Object.fromEntries(fields);
      }
      fields.push([key, this.value(depth + 1)]);
    }
  }

  /** Each has a byte at least: what says more than there is breaks off. */
  #values(count: number, depth: number): AmfValue[] {
    if (count > this.bytes.length - this.#at) throw new AmfFault('values break off');
    return Array.from({ length: count }, () => this.value(depth + 1));
  }

  #text(): string {
    return this.#take(this.#take(2).readUInt16BE()).toString('utf8');
  }

  #take(length: number): Buffer {
    const taken = this.bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw new AmfFault('values break off');
    this.#at += length;
    return taken;
  }
}
