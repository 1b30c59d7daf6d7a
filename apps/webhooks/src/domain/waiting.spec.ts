/* Whatever waits, of a job or not, told of or not, is tried once it is due, once at a time, in whatever order things come. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Waiting, type WaitsInRow } from './waiting.js';

const most = 3;
const wait = { ofJob: fc.boolean(), dueInMs: fc.nat(50) };
const steps = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant('comes' as const), ...wait }),
    fc.record({ does: fc.constant('comes while it is read' as const), ...wait }),
    fc.record({ does: fc.constant('passes' as const), ms: fc.nat(40) }),
    fc.record({ does: fc.constant('ends' as const), which: fc.nat(10) }),
    fc.record({ does: fc.constant('reads' as const), fails: fc.boolean() }),
  ),
  { maxLength: 60 },
);

test('nothing that waits is forgotten, tried before its time, or tried twice at a time', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const waiting = new Waiting(null);
      const rows = new Map<string, WaitsInRow & { at: number }>();
      const inHand: WaitsInRow[] = [];
      let [now, made] = [0, 0];
      const comes = ({ ofJob, dueInMs }: { ofJob: boolean; dueInMs: number }) => {
        made += 1;
        const messageId = `${made}`;
        rows.set(messageId, { messageId, jobId: ofJob ? 'job' : null, at: now + dueInMs });
        waiting.told(now);
      };
      const read = (fails: boolean, meanwhile?: () => void) => {
        if (waiting.readAt === null || waiting.readAt > now) return;
        waiting.reads();
        const due = [...rows.values()].sort((one, other) => one.at - other.at).map((row) => ({ ...row, dueInMs: row.at - now }));
        const ofKind = (isOfJob: boolean) => due.filter(({ jobId }) => (jobId !== null) === isOfJob).slice(0, most);
        meanwhile?.();
        if (fails) return waiting.couldNotRead(now + 10);
        for (const row of waiting.read([...ofKind(false), ...ofKind(true)], most, now, false)) {
          expect(row.at).toBeLessThanOrEqual(now);
          expect(inHand.some(({ messageId }) => messageId === row.messageId)).toBe(false);
          inHand.push(row);
        }
      };
      const ends = (which: number) => {
        const [one] = inHand.splice(which % Math.max(1, inHand.length), 1);
        if (!one) return;
        rows.delete(one.messageId);
        waiting.ended(one, now);
      };
      for (const step of all) {
        if (step.does === 'comes') comes(step);
        else if (step.does === 'comes while it is read') read(false, () => comes(step));
        else if (step.does === 'passes') now += step.ms;
        else if (step.does === 'ends') ends(step.which);
        else read(step.fails);
      }
      // From here on nobody tells anything any more.
      for (let rounds = 0; rows.size > 0 && rounds < 1000; rounds += 1) {
        ends(0);
        read(false);
        now += 1;
      }
      expect([...rows.keys()]).toEqual([]);
      expect(waiting.inHand).toBe(0);
    }),
    { numRuns: 500 },
  );
});
