/* Who has not signed in takes no more memory than a sign-in needs. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { limitBeforeSignIn } from './early-bytes.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a connection that sends more than a sign-in before it is cut off', async () => {
  const connection = new PassThrough();
  limitBeforeSignIn(connection, () => false);
  connection.write(Buffer.alloc(65_536));
  await settle();
  expect(connection.destroyed).toBe(false);
  connection.write(Buffer.alloc(1));
  await settle();
  expect(connection.destroyed).toBe(true);
});

test('one that has signed in sends what it likes, and is not looked at any more', async () => {
  const connection = new PassThrough();
  let signedIn = false;
  limitBeforeSignIn(connection, () => signedIn);
  connection.write(Buffer.alloc(60_000));
  await settle();
  signedIn = true;
  connection.write(Buffer.alloc(60_000));
  await settle();
  expect([connection.destroyed, connection.listenerCount('data')]).toEqual([false, 0]);
});
