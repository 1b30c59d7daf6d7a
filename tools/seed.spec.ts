/*
 * The demo app, which trusts bare aliases, is made in the launcher's own database and never in another.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { seedDemo } from './launcher/seed.mjs';

/** A Center that takes everything and knows one key. @returns what it was asked. */
async function asked(knownKey?: string, environment: NodeJS.ProcessEnv = {}): Promise<{ asked: string[]; key: string | undefined }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const isRefused = request.method === 'GET' && request.headers.authorization !== 'Bearer good';
    response.writeHead(isRefused ? 401 : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ secret: 'made' }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { key: await seedDemo(url, 'op', knownKey, environment), asked };
  } finally {
    server.close();
  }
}

test('the demo app, a key and its people are made, and found made by the next start', async () => {
  const first = await asked();
  expect(first.key).toBe('made');
  expect(first.asked).toEqual([
    'PUT /v1/apps/demo',
    'POST /v1/apps/demo/api-keys',
    ...['alice', 'bob', 'carol'].map((who) => `PUT /v1/users/${who}`),
  ]);
  expect(await asked('good')).toEqual({ key: 'good', asked: ['PUT /v1/apps/demo', 'GET /v1/users/alice'] });
  expect((await asked('of another database')).key).toBe('made');
});

test('a database that is not of the launcher is left as it is', async () => {
  const own = { DATABASE_URL: 'postgresql://center@db.example.com/center' };
  expect(await asked('good', own)).toEqual({ key: undefined, asked: [] });
  expect((await asked('good', { DATABASE_URL: '' })).key).toBe('good');
});
