/*
 * A replica asks its database for nothing before it knows what has ended, and then first of all which rings there are.
 */
import { expect, test, vi } from 'vitest';
import { silentLog } from '../channels/channels.fixture.js';
import { PushRings } from './push-rings.js';

test('nothing is taken over before a replica may begin', async () => {
  const asked: string[] = [];
  const query = async (text: string) => {
    asked.push(/takeOver|claims_left - 1/.test(text) ? 'take over' : text.trim().slice(0, 15));
    return { rows: [], rowCount: 0 };
  };
  const database = { of: () => ({ query }) };
  const settings = { PUSH_CONCURRENCY: 4, PUSH_WAITING: 100 };
  const report = vi.fn();
  const made = [database, { hasApp: () => true }, {}, {}, {}, settings, silentLog, report] as unknown as ConstructorParameters<
    typeof PushRings
  >;
  const rings = new PushRings(...made);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked).toEqual([]);
  rings.begin();
  await vi.waitFor(() => expect(asked.toSorted()).toEqual(['SELECT DISTINCT', 'take over']));
  await rings.beforeApplicationShutdown();
  expect(report).not.toHaveBeenCalled();
});
