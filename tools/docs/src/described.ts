import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { problemSchema } from '@communication-center/contracts';
import { services } from '@communication-center/contracts/services';
import type { DescribedRoute, DescribedRoutes } from '@communication-center/service';

/** @returns what all services say of their routes, as one. @throws Error for a name or a route that two of them have. */
export async function describedRoutes(root: string): Promise<DescribedRoutes> {
  const files = services.map(({ name }) => resolve(root, `apps/${name}/dist/api.js`)).filter((file) => existsSync(file));
  const all = await Promise.all([...files, resolve(root, 'libs/service/dist/operations-api.js')].map(read));
  return {
    sent: joined(all.map(({ sent }) => sent)),
    received: { ...joined(all.map(({ received }) => received)), Problem: problemSchema },
    routes: joined<DescribedRoute>(all.map(({ routes }) => routes)),
  };
}

async function read(file: string): Promise<DescribedRoutes> {
  return ((await import(pathToFileURL(file).href)) as { api: DescribedRoutes }).api;
}

function joined<T>(parts: readonly Readonly<Record<string, T>>[]): Record<string, T> {
  const whole: Record<string, T> = {};
  for (const [name, part] of parts.flatMap((one) => Object.entries(one))) {
    if (name in whole) throw new Error(`Two services describe ${name}`);
    whole[name] = part;
  }
  return whole;
}
