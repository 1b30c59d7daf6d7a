/**
 * @param target as it stands in the request line.
 * @returns whether it is a path of this door (RFC 9112 §3.2.1), not one that names a host, as absolute form and `//host` do. URL
 * parsers read a backslash as a slash.
 */
export function isOriginForm(target: string): boolean {
  return /^\/(?![/\\])/.test(target);
}

/** @returns where a path is on a server; whatever the path says, that server is asked. */
export function placeOn(server: string, path: string): URL {
  const { pathname, search } = new URL(path, 'http://door');
  const place = new URL(server);
  place.pathname = pathname;
  place.search = search;
  return place;
}
