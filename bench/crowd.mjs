import pg from 'pg';
import { onAFleet } from './on-a-fleet.mjs';

/*
 * npm run bench:crowd -- 20000    how long it takes to close so many sessions: of a gateway that died, and of one that is told to stop
 *
 * The sessions are rows without sockets: what is measured is the closing, and that the lease is renewed meanwhile.
 */
const wanted = Number(process.argv[2] ?? 20_000);
const dead = '00000000-0000-4000-8000-00000000dead';

await onAFleet({ replicas: 1 }, async (fleet) => {
  const sql = new pg.Client({ connectionString: fleet.servers.database, options: '-c search_path=gateway' });
  await sql.connect();
  const ask = async (text, values) => (await sql.query(text, values)).rows;
  const [{ id: alive }] = await ask('SELECT process_id AS id FROM processes');
  const gather = (processId) =>
    ask(
      `INSERT INTO sessions (session_id, process_id, app_id, about)
       SELECT gen_random_uuid(), $1, 'demo', jsonb_build_object('userAlias', 'user-' || number, 'deviceId', 'd', 'platform', 'web', 'away', false,
         'sessionId', gen_random_uuid(), 'openedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
       FROM generate_series(1, $2::int) AS number`,
      [processId, wanted],
    );
  // The gateway judges nobody before it has been there for a lease.
  await new Promise((resolve) => setTimeout(resolve, 11_000));

  await ask(`INSERT INTO processes VALUES ($1, 'infinity')`, [dead]);
  await gather(dead);
  await ask(`UPDATE processes SET expires_at = now() - interval '1 second' WHERE process_id = $1`, [dead]);
  const swept = await closing(ask, alive);

  // The second crowd is not to wait for what the fleet makes of the first.
  await quiet(ask);
  await gather(alive);
  fleet.processes.signal('gateway', 'SIGTERM');
  const drained = await closing(ask, alive);
  console.log(`
  ${wanted} sessions of a gateway that died were closed in ${swept.ms.toFixed(0)} ms, once one was; the lease of the one that closed them
  was good for ${swept.left.toFixed(1)} s at least, of 10
  ${wanted} sessions of a gateway that stops were closed in ${drained.ms.toFixed(0)} ms; its lease was good for ${drained.left.toFixed(1)} s at least`);
  await sql.end();
});

/** Waits until what was told is published, and presence has looked at everybody. */
async function quiet(ask) {
  for (let idle = 0; idle < 5; ) {
    const [{ busy }] = await ask('SELECT EXISTS (SELECT FROM outbox) OR EXISTS (SELECT FROM presence.people_to_look_at) AS busy');
    idle = busy ? 0 : idle + 1;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Waits until all sessions are closed. @returns how long that took from the first, and for how long the lease was good at least. */
async function closing(ask, alive) {
  let from;
  let least = Number.POSITIVE_INFINITY;
  for (;;) {
    const [{ left, lease }] = await ask(
      `SELECT (SELECT count(*)::int FROM sessions) AS left,
              (SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM processes WHERE process_id = $1) AS lease`,
      [alive],
    );
    const now = performance.now();
    if (left < wanted) from ??= now;
    if (left > 0 && lease !== null) least = Math.min(least, lease);
    if (left === 0) return { ms: now - from, left: least };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
