/*
 * A replica that does not publish what it should, though the brokers are well, says that it is not ready; it is once it publishes again,
 * as neighbours are that have nothing to publish. (What happens while the brokers are away: crashes.faults.)
 */
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { expect, test } from 'vitest';

const fleet = new Fleet();

test('a replica whose relay is stuck is out of service until it publishes again', async () => {
  const app = await fleet.makeApp();
  const schema = await TestSchema.make(fleet, []);
  const replicas = fleet.replicasOf('directory');
  const notReady = async () => {
    const told = await Promise.all(replicas.map((replica) => fleet.readinessOf(replica)));
    return told.filter(({ status }) => status === 503);
  };
  try {
    await schema.transaction(async (tx) => {
      // What was sent cannot be marked: the relay sends it again and again.
      await tx.query('LOCK TABLE directory.sent IN SHARE MODE');
      await fleet.makeUser(app, 'alice');
      const stuck = await eventually(
        'one replica being out of service',
        async () => {
          const told = await notReady();
          return told.length > 0 && told;
        },
        40_000,
      );
      // The other one, too, where somebody before had it write what it cannot mark now.
      for (const { details } of stuck) {
        expect(details.relay).toMatchObject({ status: 'down', message: expect.stringContaining('has not published') });
        expect(details.consumers).toMatchObject({ status: 'up' });
        expect(details.outbox?.rows).toBeGreaterThan(0);
      }
    });
  } finally {
    await schema.drop();
  }
  await eventually('all being in service again', async () => (await notReady()).length === 0, 30_000);
}, 120_000);
