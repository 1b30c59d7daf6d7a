import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { asyncApi } from './asyncapi.js';
import { describedRoutes } from './described.js';
import { eventCatalog } from './event-catalog.js';
import { eventTypesPage } from './event-types-page.js';
import { limitsPage } from './limits-page.js';
import { requireSound } from './lint-documents.js';
import { openApi } from './openapi.js';
import { publicRoutes } from './public-routes.js';
import { settingsPage } from './settings-page.js';

/*
 * Writes the generated pages of docs/. With --check it writes nothing, and fails when a page is not what the contracts say:
 * a contract cannot change unseen.
 */
const root = resolve(import.meta.dirname, '../../..');
const check = process.argv.includes('--check');
const asJson = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

const pages = {
  'protocol/openapi.json': asJson(openApi(await publicRoutes(root), await describedRoutes(root))),
  'protocol/asyncapi.json': asJson(asyncApi()),
  'protocol/events.md': eventCatalog(),
  'protocol/event-types.md': eventTypesPage(),
  'settings.md': await settingsPage(root),
  'limits.md': limitsPage(),
};

await requireSound([
  // The API has no licence of its own.
  { name: 'openapi.json', text: pages['protocol/openapi.json'], but: ['info-license'] },
  // A socket's first frame carries its token.
  { name: 'asyncapi.json', text: pages['protocol/asyncapi.json'], but: ['security-defined'] },
]);
mkdirSync(join(root, 'docs/protocol'), { recursive: true });
const stale: string[] = [];
for (const [name, text] of Object.entries(pages)) {
  const file = join(root, 'docs', name);
  if (!check) writeFileSync(file, text);
  else if (read(file) !== text) stale.push(`docs/${name}`);
}
if (stale.length > 0) {
  console.error(`Not what the contracts say: ${stale.join(', ')}. Run npm run docs and commit what it writes.`);
  process.exit(1);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
