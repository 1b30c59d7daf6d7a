import { type ResourceKind, type ServiceEntry, services } from '@communication-center/contracts/services';

interface Route {
  service: string;
  kind: ResourceKind;
  segments: string[];
}

/** Who answers a path, how it is passed on, and the path there. */
export interface Owner<Kind extends ResourceKind = ResourceKind> {
  service: string;
  kind: Kind;
  path: string;
}

const isAny = (segment: string) => segment.startsWith('{');
const said = ({ segments }: Route) => segments.filter((segment) => !isAny(segment)).length;

/** @returns which service owns which resource, the most specific ones first: the longer, and of two as long the one that says more. */
export function routesTo(owners: readonly Pick<ServiceEntry, 'name' | 'resources'>[]): Route[] {
  return owners
    .flatMap(({ name, resources }) => resources.map(({ path, kind }) => ({ service: name, kind, segments: path.split('/') })))
    .sort((one, other) => other.segments.length - one.segments.length || said(other) - said(one));
}

const routes = routesTo(services);
const operations = /^\/v1\/operations\/([a-z]+)(\/.*)$/;

/**
 * @param asked path and query as they were sent; dots in it are resolved first, so that no path leads out of its resource.
 * @returns the service that owns a path; undefined for a path nobody owns.
 */
export function ownerOf(asked: string, among: readonly Route[] = routes): Owner | undefined {
  const { pathname, search } = new URL(asked, 'http://door');
  const operation = operations.exec(pathname);
  if (operation?.[1] && operation[2]) return { service: operation[1], kind: 'short', path: `/v1/operations${operation[2]}${search}` };
  const path = pathname.split('/');
  const owner = among.find(({ segments }) => segments.every((segment, index) => (isAny(segment) ? path[index] : segment === path[index])));
  return owner && { service: owner.service, kind: owner.kind, path: pathname + search };
}
