import type { Pool } from 'pg';
import { Gauge } from 'prom-client';
import type { ConnectionKind } from './connection-kinds.js';

/** The pools of this process, for the figures. */
export const connectionsOf = new Map<Pool, ConnectionKind>();

new Gauge({
  name: 'database_connections',
  help: 'Connections to PostgreSQL: open ones, those of them that are idle, and statements that wait for one',
  labelNames: ['kind', 'state'],
  collect() {
    this.reset();
    for (const [pool, kind] of connectionsOf) {
      this.inc({ kind, state: 'open' }, pool.totalCount);
      this.inc({ kind, state: 'idle' }, pool.idleCount);
      this.inc({ kind, state: 'waited_for' }, pool.waitingCount);
    }
  },
});
