import { z } from 'zod';

/** What stands where a secret was. */
const mark = '[secret]';

/** A shorter one is a word that lines are full of: nothing of a line would be left. */
const shortest = 8;

/**
 * What tells by its form that it is one: what follows `Bearer`, tokens (RFC 7519), the secrets of apps and endpoints that this Center
 * makes, and the password in an address. Each is looked for only where a line has the letters that it begins or ends with: searching
 * for letters takes a hundredth of what a pattern takes.
 */
const forms: readonly [letters: string, pattern: RegExp][] = [
  ['Bearer ', /(?<=Bearer )[\w.~+/=-]{8,}/g],
  ['eyJ', /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g],
  ['cc_', /cc_[\w-]{16,}/g],
  ['op_', /op_[\w-]{16,}/g],
  ['whsec_', /whsec_[\w+/=-]{16,}/g],
  ['whsk_', /whsk_[\w+/=-]{16,}/g],
  ['@', /(?<=:\/\/[^\s/:@"]{0,100}:)[^\s/@"]{1,200}(?=@)/g],
];

/** @returns the secrets among a service's settings, as its environment gives them, and the parts of them that are secret by themselves. */
export function secretsOfSettings(schema: z.ZodType, environment: Readonly<Record<string, string | undefined>>): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>);
  const secret = fields.filter(([, field]) => field.meta()?.secret === true);
  return secret.flatMap(([name]) => partsOf(environment[name] ?? '')).filter((part) => part.length >= shortest);
}

function partsOf(text: string): string[] {
  if (text.startsWith('{')) return [text, ...privateParts(text)];
  if (!URL.canParse(text)) return [text];
  const { password } = new URL(text);
  return [text, password, decodeURIComponent(password)];
}

/** The private part of a key that is written as JWK (RFC 8037 §2). */
function privateParts(jwk: string): string[] {
  try {
    const { d } = JSON.parse(jwk) as { d?: unknown };
    return typeof d === 'string' ? [d] : [];
  } catch {
    return [];
  }
}

/** A text as it stands in JSON, and in JSON that stands in JSON: some letters are written otherwise there. */
function waysToWrite(secret: string): string[] {
  const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
  return [secret, inJson(secret), inJson(inJson(secret))];
}

/** @returns the mark, after a backslash where one before it would otherwise lose its letter, and the line would be no JSON. */
function markAt(_found: string, at: number, line: string): string {
  let before = at;
  while (line[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1 ? `\\${mark}` : mark;
}

/**
 * Makes what takes secrets out of log lines, wherever in them they stand: no error, address or header is trusted to hold none.
 * @param secrets those that are known by their text.
 */
export function keepingSecrets(secrets: readonly string[]): (line: string) => string {
  // The longest goes first: another may be a part of it.
  const known = [...new Set(secrets.flatMap(waysToWrite))].toSorted((one, other) => other.length - one.length);
  return (line) => {
    let kept = line;
    for (const text of known) if (kept.includes(text)) kept = kept.replaceAll(text, markAt);
    for (const [letters, pattern] of forms) if (kept.includes(letters)) kept = kept.replace(pattern, mark);
    return kept;
  };
}
