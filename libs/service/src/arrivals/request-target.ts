import { isStorable } from '@communication-center/contracts';
import { ProblemError } from '../problem-error.js';

/**
 * @param target as it stands in the request line.
 * @returns whether it is a path of this server (RFC 9112 §3.2.1), not one that names a host, as absolute form, authority form and
 * `//host` do. URL parsers read a backslash as a slash. An empty segment is no name of anything here, and what comes before it or
 * after it might be taken for a host.
 */
export function isOriginForm(target: string): boolean {
  const path = target.split('?', 1)[0] ?? '';
  // Parsers leave out tabs and line ends, so that what is around them comes together.
  return path.startsWith('/') && !/[/\\]{2}|[\s\p{Cc}]/u.test(path);
}

/**
 * Judges a request's target before anything is looked for by it: it is a path, and what is escaped in it is text that can be kept.
 * @throws ProblemError `invalid_request` that names the part of it that is at fault.
 */
export function requireTarget(target: string): void {
  if (!isOriginForm(target)) throw refused('(path)', 'ask for a path, such as /v1/calls, with one slash between its names');
  // Hardly any request escapes anything.
  if (!target.includes('%')) return;
  const [path = '', ...query] = target.split('?');
  if (!isText(path)) throw refused('(path)', notText);
  for (const pair of query.join('?').split('&')) {
    if (!isText(pair)) throw refused(pair.split('=', 1)[0]?.slice(0, 64) || '(query)', notText);
  }
}

const notText = 'escape well-formed UTF-8 as %XX, without overlong forms, surrogates and NUL';

/** Whether every escape stands for text: `decodeURIComponent` takes neither half ones nor overlong forms nor surrogates. */
function isText(escaped: string): boolean {
  if (!escaped.includes('%')) return true;
  try {
    return isStorable(decodeURIComponent(escaped));
  } catch {
    return false;
  }
}

function refused(field: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}

/** @returns where a path is on a server; whatever the path says, that server is asked. */
export function placeOn(server: string, path: string): URL {
  const { pathname, search } = new URL(path, 'http://door');
  const place = new URL(server);
  place.pathname = pathname;
  place.search = search;
  return place;
}
