import pg from 'pg';
import { makeApp, onAFleet, percentile } from './on-a-fleet.mjs';

/*
 * npm run bench:deadlines              how late rings time out: by themselves, under load, and thousands at the same moment
 * npm run bench:deadlines -- --burst   only the last
 *
 * A ring's lateness is the time of its `call.missed` less the end of its ring time, both by the database's clock. Loads are
 * people who dial, answer and hang up: as fast as the fleet lets them, and half as fast. All are measured in one run, to be
 * compared. The rings of the burst are dialed over REST; then their ends are moved to one moment in the store.
 */
const rings = 150;
const ringSeconds = 5;
const talkers = 16;
const burst = 3000;
/** Nobody in these calls has a socket, and none is hung up for it while the burst is prepared. */
const overrides = () => ({ calls: { CONNECTION_GRACE_MS: '3600000' } });
const users = [
  ...Array.from({ length: rings }, (_, index) => [`caller-${index}`, `callee-${index}`]).flat(),
  ...Array.from({ length: talkers }, (_, index) => [`talker-${index}`, `listener-${index}`]).flat(),
];

await onAFleet({ replicas: 2, overrides }, async (fleet, ask) => {
  if (!process.argv.includes('--burst')) await compareLoads(fleet, ask);
  await measureBurst(fleet, ask);
});

async function compareLoads(fleet, ask) {
  const { appId, key } = await makeApp(fleet, ask, { users, options: { mediaSetupSeconds: 0 } });
  // The first round warms the services up.
  await latenessOf(fleet, ask, appId, key);
  const quiet = await latenessOf(fleet, ask, appId, key);
  const full = await underLoad(ask, key, 0, () => latenessOf(fleet, ask, appId, key));
  const half = await underLoad(ask, key, (2000 * talkers) / full.perSecond, () => latenessOf(fleet, ask, appId, key));
  console.log(`\n  lateness of ${rings} ring time-outs of ${ringSeconds} s, two replicas of every service, in ms`);
  const lines = [
    ['no load', quiet, 0],
    ['half load', half.late, half.perSecond],
    ['full load', full.late, full.perSecond],
  ];
  for (const [name, late, perSecond] of lines) {
    const ratio = percentile(late, 99) / percentile(quiet, 99);
    console.log(
      `  ${name.padEnd(10)} ${perSecond.toFixed(1).padStart(5)} calls/s   p50 ${ms(percentile(late, 50))}   p99 ${ms(percentile(late, 99))} (${ratio.toFixed(1)}×)   longest ${ms(Math.max(...late))}`,
    );
  }
  console.log('  a call of the load is dialed, answered and hung up over REST, by a process of the same machine');
}

async function measureBurst(fleet, ask) {
  const { appId, key } = await makeApp(fleet, ask, { users: [], options: { mediaSetupSeconds: 0 } });
  const database = new pg.Client({ connectionString: fleet.servers.database, options: '-c search_path=calls' });
  await database.connect();
  try {
    await database.query(
      `INSERT INTO user_settings (app_id, user_alias, sequence, deleted, do_not_disturb)
       SELECT $1, who || number, 0, false, false FROM unnest(ARRAY['caller-', 'callee-']) AS who, generate_series(0, $2::int - 1) AS number`,
      [appId, burst],
    );
    // The first one warms the services up.
    await burstOf(300, { database, ask, key });
    const { late, published } = await burstOf(burst, { database, ask, key });
    const perSecond = late.length / (Math.max(...late) / 1000);
    console.log(`\n  ${burst} rings that end at the same moment, two replicas, in ms`);
    console.log(
      `  p50 ${ms(percentile(late, 50))}   p99 ${ms(percentile(late, 99))}   longest ${ms(Math.max(...late))}   ${perSecond.toFixed(0)} deadlines/s`,
    );
    console.log(`  until the log has it   p50 ${ms(percentile(published, 50))}   p99 ${ms(percentile(published, 99))}`);
    const { rows } = await database.query('SELECT FROM deadlines WHERE app_id = $1 AND extended', [appId]);
    console.log(`  put off: ${rows.length}`);
  } finally {
    await database.end();
  }
}

/** Has so many rings end at the same moment. @returns how late each was decided, and was acknowledged by the log, in milliseconds. */
async function burstOf(count, { database, ask, key }) {
  const made = [];
  let next = 0;
  const dialers = Array.from({ length: 12 }, async () => {
    for (let index = next++; index < count; index = next++) {
      const dial = { userAlias: `caller-${index}`, deviceId: 'd', callees: [`callee-${index}`], ringSeconds: 120 };
      const { status, body } = await ask('POST', '/v1/calls', key, dial);
      if (status !== 201) throw new Error(`a dial was refused: ${JSON.stringify(body)}`);
      made.push(body.callId);
      // Rings that were made early must not end before the last was made.
      if (made.length % 500 === 0) await endRingsAt(database, made, 600);
    }
  });
  await Promise.all(dialers);
  const { rows } = await endRingsAt(database, made, 5);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const told = await database.query(
      `SELECT (extract(epoch FROM occurred_at - $2::timestamptz) * 1000)::float8 AS late,
              (extract(epoch FROM sent_at - $2::timestamptz) * 1000)::float8 AS published
       FROM events JOIN sent ON sent.event_id = events.event_id::text WHERE call_id = ANY($1) AND type = 'call.missed'`,
      [made, rows[0].at],
    );
    if (told.rows.length === made.length)
      return { late: told.rows.map(({ late }) => late), published: told.rows.map(({ published }) => published) };
  }
}

/** Moves the ends of rings to one moment, so many seconds from now. */
async function endRingsAt(database, callIds, seconds) {
  await database.query('BEGIN');
  const found = await database.query("SELECT date_trunc('milliseconds', now() + make_interval(secs => $1)) AS at", [seconds]);
  const { at } = found.rows[0];
  await database.query(
    `UPDATE calls SET state = regexp_replace(state::text, '"until": "[^"]+"', format('"until": "%s"', $2::text), 'g')::jsonb WHERE call_id = ANY($1)`,
    [callIds, at.toISOString()],
  );
  await database.query("UPDATE deadlines SET due_at = $2 WHERE call_id = ANY($1) AND kind = 'ring'", [callIds, at]);
  await database.query('COMMIT');
  return found;
}

/** Lets people talk while something is measured. @param everyMs how often each begins a call; 0: at once after the last. */
async function underLoad(ask, key, everyMs, measure) {
  let stop = false;
  let calls = 0;
  const loads = Array.from({ length: talkers }, async (_, index) => {
    for (let next = Date.now() + Math.random() * everyMs; !stop; next += everyMs) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - Date.now())));
      const dialed = await ask('POST', '/v1/calls', key, { userAlias: `talker-${index}`, deviceId: 'd', callees: [`listener-${index}`] });
      if (dialed.status !== 201) continue;
      const path = `/v1/calls/${dialed.body.callId}`;
      await ask('POST', `${path}/answer`, key, { userAlias: `listener-${index}`, deviceId: 'd' });
      await ask('POST', `${path}/hang-up`, key, { userAlias: `talker-${index}`, deviceId: 'd' });
      calls += 1;
    }
  });
  const from = Date.now();
  const late = await measure();
  const perSecond = calls / ((Date.now() - from) / 1000);
  stop = true;
  await Promise.all(loads);
  return { late, perSecond };
}

async function latenessOf(fleet, ask, appId, key) {
  const dials = [];
  for (let index = 0; index < rings; index += 1) {
    dials.push(ask('POST', '/v1/calls', key, { userAlias: `caller-${index}`, deviceId: 'd', callees: [`callee-${index}`], ringSeconds }));
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const made = (await Promise.all(dials)).filter(({ status }) => status === 201).map(({ body }) => body.callId);
  if (made.length < rings) throw new Error(`only ${made.length} of ${rings} dials rang`);
  const database = new pg.Client({ connectionString: fleet.servers.database, options: '-c search_path=calls' });
  await database.connect();
  try {
    for (;;) {
      const { rows } = await database.query(
        `SELECT (extract(epoch FROM missed.occurred_at - dialed.occurred_at) * 1000)::float8 - $3 AS late
         FROM events AS missed JOIN events AS dialed ON dialed.call_id = missed.call_id AND dialed.version = 1
         WHERE missed.app_id = $1 AND missed.call_id = ANY($2) AND missed.type = 'call.missed'`,
        [appId, made, ringSeconds * 1000],
      );
      if (rows.length === made.length) return rows.map(({ late }) => late);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    await database.end();
  }
}

function ms(number) {
  return number.toFixed(0).padStart(4);
}
