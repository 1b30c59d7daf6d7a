/*
 * The database goes away for longer than every lease and grace (OUTAGE_SECONDS): a call that its people
 * still hold goes on, rings get a moment more, and who was gone all the time is hung up in the end.
 */
import { endOf, eventually, Fleet, holds, type Phone, Phones, ringOf, serviceNames } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const outageMs = Number(process.env.OUTAGE_SECONDS ?? 12) * 1000;

afterEach(() => phones.closeAll());

// For npm run check:long: in npm test e2e/call-history takes the database away, for a shorter time.
test.skipIf(process.env.OUTAGE_SECONDS === undefined)(
  'the database is away: nobody who holds a call loses it',
  async () => {
    const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
    const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
    const all = await Promise.all(names.map((name) => phones.connect(app, name)));
    const [alice, bob, carol, dave, erin, frank] = all as [Phone, Phone, Phone, Phone, Phone, Phone];
    const held = await alice.center.call(['bob']);
    const heldAtBob = await ringOf(bob);
    await heldAtBob.answer();
    const ringing = await carol.center.call(['dave'], { ringSeconds: 6 });
    const atDave = await ringOf(dave);
    const lost = await erin.center.call(['frank']);
    await (await ringOf(frank)).answer();
    await eventually('both calls being up', () => held.phase === 'connected' && lost.phase === 'connected');

    await fleet.control('postgres', 'stop');
    try {
      frank.center.close();
      await holds('the calls being up without the database', () => held.phase === 'connected' && ringing.phase === 'dialing', outageMs);
    } finally {
      await fleet.control('postgres', 'start');
    }
    const back = Date.now();
    // The ring time is long over; whoever could not act gets a moment to.
    await atDave.answer();
    await eventually('the ring being answered', () => ringing.phase === 'connected', 30_000);
    expect(await endOf(lost, 60_000)).toBe('connection_lost');
    // Longer than its devices' leases and the grace of lost connections together.
    const left = Math.max(1000, back + 12_000 - Date.now());
    await holds('the held call being up long after', () => held.phase === 'connected' && heldAtBob.phase === 'connected', left);
    await held.hangUp();
    expect([await endOf(heldAtBob), await endOf(held)]).toEqual(['hung_up', 'hung_up']);
    for (const service of serviceNames) await fleet.ready(service, 60_000);
  },
  outageMs + 180_000,
);
