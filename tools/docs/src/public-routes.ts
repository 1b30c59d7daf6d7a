import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { internal } from '@communication-center/contracts/internal';
import { services } from '@communication-center/contracts/services';
import { type Route, routesOf } from '@communication-center/service';

export interface PublicRoute extends Route {
  /** The service that has it; `operations` for what each of them has. */
  owner: string;
}

/** @returns every route of the public API, as the services' controllers have it. @throws Error for an internal one without a contract. */
export async function publicRoutes(root: string): Promise<PublicRoute[]> {
  const found: PublicRoute[] = [];
  for (const { name } of services) found.push(...(await routesIn(resolve(root, `apps/${name}`), name)));
  found.push(...(await routesIn(resolve(root, 'libs/service'), 'operations')));
  requireContracts(found);
  return found.filter(({ path }) => path.startsWith('/v1/')).map((route) => (route.owner === 'operations' ? ofEachService(route) : route));
}

async function routesIn(folder: string, owner: string): Promise<PublicRoute[]> {
  // What was compiled of a file that is gone may still lie there.
  const sources = globSync('**/*.controller.ts', { cwd: resolve(folder, 'src') }).sort();
  const files = sources.map((file) => resolve(folder, 'dist', file.replace(/\.ts$/, '.js')));
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href) as Promise<Record<string, unknown>>));
  const classes = modules.flatMap((exported) => Object.values(exported)).filter((one) => typeof one === 'function');
  return classes.flatMap((one) => routesOf(one as Parameters<typeof routesOf>[0])).map((route) => ({ ...route, owner }));
}

/** The gateway offers what every service has under the service's name. */
function ofEachService(route: PublicRoute): PublicRoute {
  return { ...route, path: route.path.replace('/v1/operations/', '/v1/operations/{service}/') };
}

/** What is neither public nor for an orchestrator is internal, and agreed in `contracts/internal`. */
function requireContracts(routes: readonly PublicRoute[]): void {
  const agreed = Object.values(internal).map(({ service, method, path }) => `${service} ${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  const served = routes.filter(({ path }) => path.startsWith('/internal/')).map(({ owner, method, path }) => `${owner} ${method} ${path}`);
  const elsewhere = routes.filter(({ path }) => !/^\/(v1|internal|health|metrics)(\/|$)/.test(path)).map(({ path }) => path);
  const differing = [...served.filter((one) => !agreed.includes(one)), ...agreed.filter((one) => !served.includes(one)), ...elsewhere];
  if (differing.length > 0) throw new Error(`These routes are not what contracts/internal.ts agrees on: ${differing.join(', ')}`);
}
