/*
 * The call-history checker: people call each other on a fleet with two replicas of every service, while its processes are
 * killed, frozen and restarted, connections are cut and Redis is emptied; then what is left is judged, rule by rule.
 *
 * CHECK_SEED repeats the choices of a run, CHECK_MINUTES makes it longer: npm run check:calls -- --minutes 10 --seed 7
 */
import { Fleet } from '@communication-center/testing';
import { expect, test } from 'vitest';
import { judge } from './judge.js';
import { simulate } from './simulation.js';

const fleet = new Fleet();
const seconds = Number(process.env.CHECK_MINUTES ?? 1 / 3) * 60;
const seed = Number(process.env.CHECK_SEED ?? Math.floor(Math.random() * 1_000_000));
test(
  'every rule holds while the fleet is broken again and again',
  async () => {
    console.log(`seed ${seed}: npm run check:calls -- --minutes ${seconds / 60} --seed ${seed}`);
    const evidence = await simulate(fleet, { seed, seconds, users: 8, devicesPerUser: 3, disturb: true });
    const refusals = Map.groupBy(evidence.commands, ({ refused }) => refused ?? 'done');
    console.log(
      `${evidence.log.length} events of ${new Set(evidence.log.map(({ callid }) => callid)).size} calls; ` +
        `${[...refusals].map(([code, list]) => `${code} ${list.length}`).join(', ')}; broken: ${evidence.disturbed.map(({ what }) => what).join(', ')}`,
    );
    expect(judge(evidence)).toEqual([]);
    expect(evidence.log.length, 'something happened').toBeGreaterThan(seconds * 3);
    expect(evidence.disturbed.length, 'something was broken').toBeGreaterThan(2);
  },
  seconds * 1000 + 240_000,
);
