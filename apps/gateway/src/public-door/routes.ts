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
 * @param path with its query.
 * @returns the service that owns a path and the path there; undefined for a path nobody owns.
 */
export function ownerOf(path: string): { service: string; path: string } | undefined {
  const operation = operations.exec(path);
  if (operation?.[1] && operation[2]) return { service: operation[1], path: `/v1/operations${operation[2]}` };
  const owner = owners.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}?`));
  return owner && { service: owner[1], path };
}
