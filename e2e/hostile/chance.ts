/** What hostile input is made of, by a number that makes the same again. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a whole number from 0 up to, and not including, `end` (mulberry32). */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * end);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** Whether something happens that happens once in so often. */
  onceIn(often: number): boolean {
    return this.below(often) === 0;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

/** Pieces that parsers have stumbled over. */
const pieces = [
  '\0',
  '\\u0000',
  '\\ud800',
  '\\udc00\\ud800',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'null',
  '-0',
  '1e999',
  '9007199254740993',
  '-1',
  '__proto__',
  'constructor',
  'toString',
  '../',
  '%00',
  '%ff',
  '%',
  "'",
  '<',
  '>',
  ';',
  '@',
  '*',
  '\r\n',
  '\r\n ',
  '\n',
  '\t',
  '\u202e',
  '\ufeff',
  '😀',
  '€',
  '{"a":'.repeat(40),
  '['.repeat(2000),
  'a'.repeat(5000),
  '0,'.repeat(3000),
];

/** @returns a text with some of it taken out, put in, doubled or made other bytes of. */
export function mutated(text: string, chance: Chance): Buffer {
  let bytes = Buffer.from(text);
  for (let times = 1 + chance.below(4); times > 0; times -= 1) {
    const at = chance.below(bytes.length + 1);
    const gone = chance.onceIn(3) ? chance.below(20) : 0;
    const put = chance.onceIn(5) ? chance.bytes(1 + chance.below(6)) : Buffer.from(chance.onceIn(6) ? '' : chance.of(pieces));
    const doubled = chance.onceIn(10) ? bytes.subarray(at, at + chance.below(40)) : Buffer.alloc(0);
    bytes = Buffer.concat([bytes.subarray(0, at), put, doubled, bytes.subarray(at + gone)]);
  }
  return bytes;
}

/** @returns a value for a field of any kind. */
export function hostileValue(chance: Chance): unknown {
  const values = [
    () => chance.of(pieces),
    () => '\0',
    () => '\ud800',
    () => `a${chance.of(pieces)}b`,
    () => chance.below(2 ** 31) - 2 ** 30,
    () => 2 ** 53,
    () => 1e300,
    () => -0.5,
    () => null,
    () => true,
    () => [],
    () => [[[[[]]]]],
    () => ({}),
    () => ({ ['__proto__']: 1, constructor: { prototype: 1 } }),
    () => 'https://127.0.0.1/',
    () => 'javascript:alert(1)',
    () => '0000-01-01T00:00:00Z',
    () => '9999-12-31T23:59:59.999999999Z',
    () => '00000000-0000-0000-0000-000000000000',
    () => chance.bytes(12).toString('base64url'),
    () => Buffer.from(JSON.stringify(['a', 'b', '\0'])).toString('base64url'),
  ];
  return chance.of(values)();
}
