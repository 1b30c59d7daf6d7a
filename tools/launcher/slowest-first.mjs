import { BaseSequencer } from 'vitest/node';

/**
 * The files that take longest side by side with others, so that none of them is left for the end, when nothing runs beside it.
 * Those in browsers keep the processors busy, and begin beside files that mostly wait; what promises something within seconds
 * comes after them.
 */
export const slowest = [
  'e2e/cut-network.local-faults.e2e.spec.ts',
  'e2e/telling.local-faults.int.spec.ts',
  'e2e/accessible-page.e2e.spec.ts',
  'libs/event-log/src/publish/relay.int.spec.ts',
  'apps/webhooks/src/lanes/lanes.int.spec.ts',
  'libs/event-log/src/event-log.int.spec.ts',
  'e2e/stage-journeys.e2e.spec.ts',
  'e2e/browser-page.e2e.spec.ts',
  'e2e/firefox-page.e2e.spec.ts',
  'libs/event-log/src/publish/committed-rows.int.spec.ts',
  'libs/event-log/src/consume/parked-keys.int.spec.ts',
  'e2e/browser-call.e2e.spec.ts',
  'e2e/doors.int.spec.ts',
  'e2e/closed-apps.int.spec.ts',
  'e2e/wall-journeys.e2e.spec.ts',
  'e2e/credentials-end.int.spec.ts',
  'libs/event-log/src/publish/reconciler.int.spec.ts',
  'e2e/leases.int.spec.ts',
  'libs/event-log/src/consume/rest.int.spec.ts',
  'e2e/many-people.int.spec.ts',
  'e2e/calls.int.spec.ts',
  'libs/event-log/src/consume/paces.int.spec.ts',
  'libs/event-log/src/consume/rebuild.int.spec.ts',
  // Of those that need the database alone.
  'apps/webhooks/src/endpoints/known-endpoints.int.spec.ts',
  'libs/service/src/database/migrate.int.spec.ts',
];

/** What promises much within seconds, when most of what runs beside it has ended. Then those that leave the fleet tired. */
export const last = [
  'e2e/push-rings.int.spec.ts',
  'e2e/browser-call.faults.e2e.spec.ts',
  'e2e/hostile/attacks.faults.int.spec.ts',
  'e2e/hostile/fuzz.faults.int.spec.ts',
];

/** Vitest knows how long files took only where they have run before, which they have not in a new clone: then it goes by their size. */
export class SlowestFirst extends BaseSequencer {
  async sort(specifications) {
    const usual = await super.sort(specifications);
    return usual.toSorted((one, other) => groupOf(one) - groupOf(other) || placeOf(one) - placeOf(other));
  }
}

const groupOf = ({ project }) => project.config.sequence.groupOrder;

function placeOf({ moduleId }) {
  const placeIn = (files) => files.findIndex((file) => moduleId.endsWith(`/${file}`));
  const [early, late] = [placeIn(slowest), placeIn(last)];
  return early < 0 ? slowest.length + 1 + late : early;
}
