/** A place in bytes of Kafka's protocol, moved on by what is read (https://kafka.apache.org/protocol). What lies beyond the end is a RangeError. */
export class Place {
  constructor(
    readonly bytes: Buffer,
    public at: number,
  ) {}

  int16(): number {
    this.at += 2;
    return this.bytes.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.bytes.readInt32BE(this.at - 4);
  }

  /** As text: there are larger ones than a number holds. */
  int64(): string {
    this.at += 8;
    return String(this.bytes.readBigInt64BE(this.at - 8));
  }

  /** Reads a text behind its length; an empty one for none. */
  text(): string {
    const length = Math.max(0, this.int16());
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  /** Reads a list behind its length, each by `one`. */
  list<T>(one: () => T): T[] {
    const all: T[] = [];
    for (let left = this.int32(); left > 0; left -= 1) all.push(one());
    return all;
  }

  /** Reads a signed number of up to 53 bits, zigzag and seven bits a byte, as records have them. */
  varint(): number {
    const first = this.bytes[this.at++] as number;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let [value, weight, byte] = [first & 0x7f, 0x80, 0x80];
    while (byte >= 0x80) {
      byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * weight;
      weight *= 0x80;
      // Also ends at the end of the bytes, where there is no byte more.
      if (!(weight < 2 ** 71)) throw new RangeError('a number in a record of the log has no end');
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Reads a text behind its length; an empty one for none. No byte from `end` on is its own. */
  lengthAndText(end: number): string {
    const length = Math.max(0, this.varint());
    this.at += length;
    if (this.at > end) throw new RangeError('a record of the log is longer than it says');
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  /** Reads so many bytes as are said first; null for none at all. They are a view, no copy. */
  lengthAndBytes(end: number): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    if (this.at + length > end) throw new RangeError('a record of the log is longer than it says');
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return bytes;
  }
}
