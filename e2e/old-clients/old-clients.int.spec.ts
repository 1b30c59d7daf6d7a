/*
 * Clients that were installed once talk to the fleet of today: every tarball here, kept as it was, connects, calls a device of
 * today and is called by one, joins its media, declines, watches and reads its history.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { endOf, eventually, Fleet, type Phone, Phones, ringOf, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OutsideProject } from '../outside/project.js';
import { OldDevice } from './old-device.js';

const tarballs = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.tgz'));

test('an old client is kept', () => {
  expect(tarballs.length).toBeGreaterThan(0);
});

describe.each(tarballs)('%s', (tarball) => {
  const fleet = new Fleet();
  const phones = new Phones(fleet);
  const project = new OutsideProject();
  let app: TestApp;
  let old: OldDevice;
  let today: Phone;

  beforeAll(async () => {
    app = await fleet.makeApp();
    await project.install(join(import.meta.dirname, tarball));
    today = await phones.connect(app, 'today');
    const token = await fleet.tokenOf(app, 'old');
    old = new OldDevice(project, { url: fleet.url, appId: app.appId, userAlias: 'old', token, media: true });
    await old.hears('connected to the Center');
  });

  afterAll(() => {
    phones.closeAll();
    old.kill();
    project.remove();
  });

  test('calls a client of today, and hears how it goes', async () => {
    old.tell('call', { callee: 'today' });
    await old.hears('done: call');
    // That it rings may be known to the old device before anybody listens: reply and event can come in one piece.
    const call = await ringOf(today);
    await call.answer();
    await old.hears('connected');
    await call.hangUp();
    expect(await old.hears('ended')).toMatchObject({ reason: 'hung_up' });
  });

  test('is called by a client of today, answers, joins its media and hangs up', async () => {
    const call = await today.center.call(['old']);
    await old.hears('incomingCall');
    old.tell('answer');
    await eventually('the answer', () => call.phase === 'connected');
    await old.hears('joined its media');
    old.tell('hangUp');
    expect(await endOf(call)).toBe('hung_up');
    expect(await old.hears('ended')).toMatchObject({ reason: 'hung_up' });
  });

  test('declines, and the caller hears it', async () => {
    const call = await today.center.call(['old']);
    await old.hears('incomingCall');
    old.tell('decline', { reason: 'busy' });
    expect(await endOf(call)).toBe('declined');
    expect(await old.hears('ended')).toMatchObject({ reason: 'declined' });
  });

  test('is refused by a code it knows', async () => {
    old.tell('call', { callee: 'nobody-of-that-name' });
    expect(await old.hears('refused')).toMatchObject({ code: 'unknown_user' });
  });

  test('watches, and reads its history', async () => {
    old.tell('watch', { userAlias: 'today' });
    // The call before may still be told of.
    await eventually('the other being online', async () => (await old.hears('presence')).status === 'online');
    await eventually('all calls being in its history', async () => {
      old.tell('history');
      return isDeepStrictEqual((await old.hears('history')).outcomes, [2, 2, 2]);
    });
  });
});
