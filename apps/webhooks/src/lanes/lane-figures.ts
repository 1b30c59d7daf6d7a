import type { Sql } from '@communication-center/event-log';
import { tellFigure } from '@communication-center/service';
import type { Lane } from './lane.js';
import { waitingDeliveries } from './lane-rows.js';
import type { Places } from './places.js';

/** Tells Prometheus how many deliveries wait, how full this replica's lanes are, and how many requests it has under way. */
export function tellLanes(database: Sql, lanes: () => readonly Pick<Lane, 'figures'>[], places: Pick<Places, 'taken' | 'waiting'>): void {
  const waiting = 'Deliveries that wait for another attempt, or for one that does, up to 100,000: of all replicas, which tell it alike';
  tellFigure('webhook_deliveries_waiting', waiting, () => waitingDeliveries(database));
  tellFigure('webhook_lanes', 'Endpoints to which this replica delivers now', () => lanes().length);
  tellFigure('webhook_lanes_full', 'Those of them whose lane takes no more', () => lanes().filter(({ figures }) => figures.isFull).length);
  tellFigure('webhook_lane_tasks', 'Deliveries that wait in the lanes of this replica, or are being made', () =>
    lanes().reduce((sum, { figures }) => sum + figures.tasks, 0),
  );
  tellFigure('webhook_requests_under_way', 'Requests to endpoints that this replica has under way', () => places.taken);
  const withoutPlace = 'Endpoints that have something to be sent, and wait for one of the requests that this replica makes at once';
  tellFigure('webhook_lanes_without_place', withoutPlace, () => places.waiting);
}
