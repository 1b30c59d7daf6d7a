import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { services } from '@communication-center/contracts/services';
import type { z } from 'zod';
import { jsonSchemaOf } from './json-schema.js';

type Setting = { description?: string; default?: unknown; unit?: string; secret?: boolean };

/** @returns a page with every setting of every service, read from the schemas the services themselves use. */
export async function settingsPage(root: string): Promise<string> {
  const byService = new Map<string, Record<string, Setting>>();
  for (const { name: service } of services) {
    const { settings } = (await import(pathToFileURL(resolve(root, `apps/${service}/dist/settings.js`)).href)) as { settings: z.ZodType };
    byService.set(service, (jsonSchemaOf(settings, 'input') as { properties: Record<string, Setting> }).properties);
  }
  const all = [...byService.values()];
  const shared = Object.keys(all[0] ?? {}).filter((name) =>
    all.every((settings) => name in settings && settings[name]?.description === all[0]?.[name]?.description),
  );
  const table = (settings: Record<string, Setting>, names: string[]) =>
    ['| variable | default | meaning |', '| --- | --- | --- |', ...names.map((name) => rowOf(name, settings[name] ?? {}))].join('\n');
  const own = services.map(({ name: service, about }) => {
    const settings = byService.get(service) ?? {};
    const names = Object.keys(settings).filter((name) => !shared.includes(name));
    return `## ${service}\n\nThis service is ${about}.\n\n${names.length > 0 ? table(settings, names) : 'Nothing of its own.'}\n`;
  });
  return `# Settings

Generated from each service's \`settings.ts\` by \`npm run docs\`: do not edit. A service that misses a setting says which, and does not start.

## Every service

${table(all[0] ?? {}, shared)}

${own.join('\n')}`;
}

function rowOf(name: string, { description = '', default: byDefault, unit, secret }: Setting): string {
  const value = byDefault === undefined ? '' : `\`${byDefault}\`${unit ? ` ${unit}` : ''}`;
  return `| \`${name}\` | ${value} | ${description}${secret ? ' **(secret)**' : ''} |`;
}
