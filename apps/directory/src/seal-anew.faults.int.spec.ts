/*
 * Sealing anew survives whoever does it: replicas are killed (-9) and the command is, again and again, and in the end every value names
 * its key and opens, and phones and users signed in by them all the time.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { KeyRing, SealedBox } from '@communication-center/service';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const ring = KeyRing.parse((fleet.state.secrets as unknown as { secretsKey: string }).secretsKey);
const accounts = 30_000;
const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** As a release did whose values named no key. */
function sealedBefore(owner: string, secret: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', ring.current.bytes, nonce).setAAD(Buffer.from(owner));
  const text = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

const secretOf = (username: string) => JSON.stringify({ md5: createHash('md5').update(username).digest('hex'), sha256: 'x' });

async function addAccounts({ appId }: TestApp): Promise<void> {
  const names = Array.from({ length: accounts }, (_, index) => `desk-${index}`);
  const sealed = names.map((username) => sealedBefore(`${appId}/${username}`, secretOf(username)));
  await fleet.query('directory', 'INSERT INTO sip_accounts (app_id, username, sealed) SELECT $1, * FROM unnest($2::text[], $3::bytea[])', [
    appId,
    names,
    sealed,
  ]);
}

const leftOf = async ({ appId }: TestApp) =>
  (
    await fleet.query<{ left: number }>(
      'directory',
      "SELECT count(*)::int AS left FROM sip_accounts WHERE app_id = $1 AND substring(sealed FROM 1 FOR 4) <> 'cck1'",
      [appId],
    )
  )[0]?.left ?? 0;

/** @returns the command, and how it ends. */
function rotate(): { child: ChildProcess; ended: Promise<number | null>; said: () => string } {
  const child = spawn(process.execPath, [new URL('../../../tools/rotate.mjs', import.meta.url).pathname, 'secrets'], {
    env: { ...process.env, CENTER_URL: fleet.url, OPERATOR_KEY: fleet.state.secrets.operatorKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += String(data)));
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)), said: () => said };
}

test('replicas and the command are killed while it goes on, and what is left is done by the next', async () => {
  const app = await fleet.makeApp();
  await addAccounts(app);
  const token = await fleet.tokenOf(app, 'ann');

  const first = rotate();
  await eventually('some being sealed anew', async () => (await leftOf(app)) < accounts);
  first.child.kill('SIGKILL');
  await first.ended;

  const second = rotate();
  const before = await leftOf(app);
  await eventually('more being sealed anew', async () => (await leftOf(app)) < before);
  await fleet.killAndAwait('directory');
  const left = await leftOf(app);
  expect(left, 'nothing was left when the replicas were killed: add accounts').toBeGreaterThan(0);
  expect(await second.ended, second.said()).toBe(0);

  expect(await leftOf(app)).toBe(0);
  const box = new SealedBox(ring);
  const rows = await fleet.query<{ username: string; sealed: Buffer }>(
    'directory',
    'SELECT username, sealed FROM sip_accounts WHERE app_id = $1',
    [app.appId],
  );
  expect(rows).toHaveLength(accounts);
  for (const { username, sealed } of rows) expect(box.open(`${app.appId}/${username}`, sealed)).toBe(secretOf(username));
  expect((await fleet.rest('GET', '/v1/users/ann', token)).status).toBe(200);
}, 120_000);
