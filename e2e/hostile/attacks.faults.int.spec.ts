/*
 * While everything that ever broke a door is done to all of them at once, honest people call each other: every call rings, is answered
 * and ends as it should, no process dies, and nobody of the attacker's stays behind.
 */
import { services } from '@communication-center/contracts/services';
import { endOf, eventually, Fleet, type Phone, Phones, type ProcessName, ringOf, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attacks, type Reach, slowHeaders } from './attacks.js';
import { Chance } from './chance.js';

const forSeconds = Number(process.env.ATTACK_SECONDS ?? 5);
const fleet = new Fleet();
const phones = new Phones(fleet);
const replicas: ProcessName[] = services.flatMap(({ name }) => fleet.replicasOf(name));
let reach: Reach;
let honest: TestApp;
let pairs: [Phone, Phone][];

beforeAll(async () => {
  const app = await fleet.makeApp();
  await fleet.makeUser(app, 'mallory', {});
  reach = { fleet, app, token: await fleet.tokenOf(app, 'mallory'), chance: new Chance(Date.now() % 1_000_000) };
  honest = await fleet.makeApp();
  const names = [['alice', 'bob'] as const, ['carol', 'dave'] as const];
  pairs = await Promise.all(names.map(async ([one, other]) => [await phones.connect(honest, one), await phones.connect(honest, other)]));
});

afterAll(() => phones.closeAll());

const pidsNow = async () => Promise.all(replicas.map(async (name) => [name, (await fleet.statusOf(name))?.pid]));

/** One whole call. @returns how long it took to ring, in milliseconds. */
async function call([caller, callee]: [Phone, Phone]): Promise<number> {
  const before = callee.incoming.length;
  const began = performance.now();
  const made = await caller.center.call([callee.center.userAlias]);
  await eventually('the ring', () => callee.incoming.length > before, 10_000);
  const took = performance.now() - began;
  const ring = await ringOf(callee);
  await ring.answer();
  await eventually('the caller being connected', () => made.phase === 'connected', 10_000);
  await made.hangUp();
  expect([await endOf(made), await endOf(ring)]).toEqual(['hung_up', 'hung_up']);
  return took;
}

async function callUntil(until: number): Promise<number[]> {
  const times: number[] = [];
  const calling = pairs.map(async (pair) => {
    // As fast as people with one device may be for long: who is honest stays within the budgets.
    for (; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 200))) times.push(await call(pair));
  });
  await Promise.all(calling);
  return times.toSorted((one, other) => one - other);
}

const at = (times: number[], part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]?.toFixed(0);

test('honest calls go on while everything is attacked', { timeout: forSeconds * 1000 + 120_000 }, async () => {
  const pids = await pidsNow();
  const quiet = await callUntil(Date.now() + 2000);
  const until = Date.now() + forSeconds * 1000;
  const goes: Record<string, number> = {};
  const attacking = Object.entries(attacks).map(async ([name, attack]) => {
    for (; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 20))) {
      await attack(reach);
      goes[name] = (goes[name] ?? 0) + 1;
    }
  });
  const endSlow = slowHeaders(fleet, 100);
  try {
    const times = await callUntil(until);
    console.log(`attacks: ${JSON.stringify(goes)}`);
    console.log(
      `dial → ring, p50 / p99: ${at(quiet, 0.5)} / ${at(quiet, 0.99)} ms in quiet, ${at(times, 0.5)} / ${at(times, 0.99)} ms of ${times.length} under attack`,
    );
    expect(times.length).toBeGreaterThan(forSeconds);
  } finally {
    endSlow();
    await Promise.all(attacking);
  }
  expect(Object.keys(goes).toSorted()).toEqual(Object.keys(attacks).toSorted());
  expect(await pidsNow()).toEqual(pids);
});

test('nobody of the attacker stays behind', async () => {
  const isGone = async () => (await fleet.rest('GET', '/v1/presence/mallory', reach.app.key)).body.status === 'offline';
  await eventually('the attacker being offline', isGone, 20_000);
  for (const name of replicas) expect((await fleet.readinessOf(name)).status, name).toBe(200);
});
