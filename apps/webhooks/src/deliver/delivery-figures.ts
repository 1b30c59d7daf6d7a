import type { Sql } from '@communication-center/event-log';
import { tellFigure } from '@communication-center/service';
import { waitingDeliveries } from './delivery-rows.js';
import type { Lanes, LaneTask } from './lanes.js';

/** Tells Prometheus how many deliveries wait, and how full this replica's lanes are. */
export function tellDeliveries(database: Sql, lanes: Pick<Lanes<LaneTask>, 'figures'>): void {
  const waiting = 'Deliveries that are neither made nor given up, up to 100,000: of all replicas, which tell it alike';
  tellFigure('webhook_deliveries_waiting', waiting, () => waitingDeliveries(database));
  tellFigure('webhook_lanes', 'Endpoints to which this replica delivers now', () => lanes.figures.lanes);
  tellFigure('webhook_lanes_full', 'Those of them whose lane takes no more', () => lanes.figures.full);
  tellFigure('webhook_lane_tasks', 'Deliveries that wait in the lanes of this replica, or are being made', () => lanes.figures.tasks);
}
