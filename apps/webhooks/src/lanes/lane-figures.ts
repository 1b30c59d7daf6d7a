import type { Sql } from '@communication-center/event-log';
import { tellFigure } from '@communication-center/service';
import type { Lane } from './lane.js';
import { waitingDeliveries } from './lane-rows.js';

/** Tells Prometheus how many deliveries wait, and how full this replica's lanes are. */
export function tellLanes(database: Sql, lanes: () => readonly Pick<Lane, 'figures'>[]): void {
  const waiting = 'Deliveries that wait for another attempt, or for one that does, up to 100,000: of all replicas, which tell it alike';
  tellFigure('webhook_deliveries_waiting', waiting, () => waitingDeliveries(database));
  tellFigure('webhook_lanes', 'Endpoints to which this replica delivers now', () => lanes().length);
  tellFigure('webhook_lanes_full', 'Those of them whose lane takes no more', () => lanes().filter(({ figures }) => figures.isFull).length);
  tellFigure('webhook_lane_tasks', 'Deliveries that wait in the lanes of this replica, or are being made', () =>
    lanes().reduce((sum, { figures }) => sum + figures.tasks, 0),
  );
}
