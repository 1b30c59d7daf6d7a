/** Which service owns which REST resource. */
const owners: [prefix: string, service: string][] = [
  ['/v1/calls', 'calls'],
  ['/v1/presence', 'presence'],
  ['/v1/users', 'directory'],
  ['/v1/user-tokens', 'directory'],
  ['/v1/apps', 'directory'],
  ['/v1/webhook-endpoints', 'webhooks'],
  ['/v1/webhook-deliveries', 'webhooks'],
];

const operations = /^\/v1\/operations\/([a-z]+)(\/.*)$/;

/**
 * @param asked path and query as they were sent; dots in it are resolved first, so that no path leads out of its resource.
 * @returns the service that owns a path and the path there; undefined for a path nobody owns.
 */
export function ownerOf(asked: string): { service: string; path: string } | undefined {
  const { pathname, search } = new URL(asked, 'http://door');
  const operation = operations.exec(pathname);
  if (operation?.[1] && operation[2]) return { service: operation[1], path: `/v1/operations${operation[2]}${search}` };
  const owner = owners.find(([prefix]) => pathname === prefix || pathname.startsWith(`${prefix}/`));
  return owner && { service: owner[1], path: pathname + search };
}
