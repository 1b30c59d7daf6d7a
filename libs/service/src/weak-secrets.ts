/**
 * What the launcher puts into every secret that it makes for a fleet of its own, so that it is known wherever it turns up:
 * as text, and at the start of a key in base64.
 */
const launcherMarks = ['dev-only', Buffer.from('dev-only.').toString('base64')];

/** What stands in examples, in docker-compose.yml, and first in every list of guesses. */
const knownToAll = new Set([
  ...['12345678', '123456789', '1234567890', 'admin', 'admin123', 'center', 'changeit', 'changeme', 'default', 'example'],
  ...['guest', 'janus', 'kafka', 'letmein', 'pass', 'passw0rd', 'password', 'password123', 'postgres', 'postgresql', 'qwertyuiop'],
  ...['redis', 'replaceme', 'root', 'secret', 'supersecret', 'test', 'todo', 'user', 'yoursecret'],
]);

/** Fewer different characters than this are guessed by trying; 32 bytes that are all alike have two in base64. */
const fewestCharacters = 8;

/**
 * Tells a secret that keeps nothing.
 * @param text the secret, or an address with a password in it. Addresses without one are judged by nobody here.
 * @returns what is wrong with it, in words that do not show it; undefined for one that may be good.
 */
export function weaknessOf(text: string): string | undefined {
  if (launcherMarks.some((mark) => text.includes(mark))) return 'was made by npm start, for development';
  const secret = text.includes('://') ? passwordIn(text) : text;
  if (secret === undefined) return undefined;
  if (knownToAll.has(secret.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))) return 'is a word that everybody tries first';
  if (!text.includes('://') && new Set(secret).size < fewestCharacters) return 'is too easy to guess';
  return undefined;
}

function passwordIn(address: string): string | undefined {
  try {
    return decodeURIComponent(new URL(address).password) || undefined;
  } catch {
    // Drivers take addresses that this parser does not; they have nothing here that could be judged.
    return undefined;
  }
}
