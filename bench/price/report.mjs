/** @returns the value below which so many percent of the numbers lie; NaN of none. */
export function percentile(numbers, percent) {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

const latencies = ['dial to ring', 'dial reply', 'answer reply', 'answer to told', 'hang-up reply', 'hang-up to told', 'presence'];

/** What kinds of requests to Kafka are told by themselves; the rest is one line. */
const kinds = ['Produce', 'Fetch', 'OffsetCommit', 'Heartbeat'];

/** @returns what one phase says, in figures that stand for themselves: per call where calls were made, per second besides. */
export function figuresOf({ name, used, load }) {
  const calls = load?.finished ?? 0;
  const by = (amount) => ({ perCall: calls > 0 ? amount / calls : null, perSecond: amount / used.seconds });
  const kafka = {};
  for (const counts of Object.values(used.kafka))
    for (const [kind, count] of Object.entries(counts)) kafka[kind] = (kafka[kind] ?? 0) + count;
  const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);
  const services = Object.keys(used.kafka);
  return {
    name,
    seconds: used.seconds,
    calls,
    callsPerSecond: calls / used.seconds,
    skipped: load?.skipped ?? 0,
    refused: load?.refused ?? {},
    latencies: Object.fromEntries(
      latencies
        .filter((what) => load?.samples[what]?.length > 0)
        .map((what) => [
          what,
          { p50: percentile(load.samples[what], 50), p99: percentile(load.samples[what], 99), count: load.samples[what].length },
        ]),
    ),
    cpuMs: Object.fromEntries(Object.entries(used.cpu).map(([process, seconds]) => [process, by(seconds * 1000)])),
    cpuMsAll: by(sum(Object.values(used.cpu)) * 1000),
    statements: by(sum(used.statements.map(({ calls }) => calls))),
    statementsOf: Object.fromEntries(
      services.map((service) => [service, by(sum(used.statements.filter(({ role }) => role === service).map(({ calls }) => calls)))]),
    ),
    commits: by(used.commits),
    flushes: by(used.flushes),
    kafka: by(sum(Object.values(kafka))),
    kafkaByKind: Object.fromEntries(Object.entries(kafka).map(([kind, count]) => [kind, by(count)])),
    kafkaOf: Object.fromEntries(services.map((service) => [service, by(sum(Object.values(used.kafka[service])))])),
    top: used.statements
      .toSorted((one, other) => other.calls - one.calls)
      .slice(0, 150)
      .map(({ role, text, calls, ms }) => ({ role, text: text.replace(/\s+/g, ' ').trim(), calls: by(calls), ms: by(ms) })),
  };
}

/**
 * @returns rows of a table, the first of which names the phases.
 * @param {{ofServices?: boolean}} options whether statements and requests are told service by service too.
 */
export function rowsOf({ phases, floor }, { ofServices = true } = {}) {
  const loads = byRate(phases);
  const idle = phases.find(({ name }) => name === 'idle');
  const line = (name, value, idleValue = '') => [name, idleValue, ...loads.map((phase) => value(phase))];
  const perCall = (name, value) => line(name, (phase) => digits(value(phase)?.perCall), `${digits(value(idle)?.perSecond)}/s`);
  const times = latencies.flatMap((what) => [
    line(`${what}, p50 / p99, ms`, ({ latencies: all }) => (all[what] ? `${digits(all[what].p50)} / ${digits(all[what].p99)}` : '')),
    line('  as a multiple of the floor', ({ latencies: all }) =>
      multiple(all[what]?.p50, what === 'presence' ? floor.twoHops : floor.oneHop),
    ),
  ]);
  const processes = Object.keys(idle.cpuMs);
  const services = ofServices ? Object.keys(idle.kafkaOf) : [];
  const kafkaKinds = (phase, kind) => (kind === 'other' ? rest(phase) : (phase.kafkaByKind[kind] ?? { perCall: 0, perSecond: 0 }));
  return [
    ['', 'idle', ...loads.map(({ name }) => name)],
    line('complete calls/s', ({ callsPerSecond }) => digits(callsPerSecond)),
    line('calls refused, or begun late', ({ refused, skipped }) =>
      String(Object.values(refused).reduce((sum, one) => sum + one, 0) + skipped),
    ),
    ...times,
    perCall('CPU-ms a call, all', (phase) => phase.cpuMsAll),
    ...processes.map((process) => perCall(`  ${process}`, (phase) => phase.cpuMs[process])),
    perCall('SQL statements a call, all', (phase) => phase.statements),
    ...services.map((service) => perCall(`  ${service}`, (phase) => phase.statementsOf[service])),
    perCall('commits a call', (phase) => phase.commits),
    perCall('flushes of PostgreSQL’s log a call', (phase) => phase.flushes),
    perCall('requests to Kafka a call, all', (phase) => phase.kafka),
    ...[...kinds, 'other'].map((kind) => perCall(`  ${kind}`, (phase) => kafkaKinds(phase, kind))),
    ...services.map((service) => perCall(`  of ${service}`, (phase) => phase.kafkaOf[service])),
  ];
}

/** @returns the phases in which calls were made, the slowest first. */
export function byRate(phases) {
  return phases.filter(({ calls }) => calls > 0).toSorted((one, other) => one.callsPerSecond - other.callsPerSecond);
}

function rest({ kafkaByKind }) {
  const others = Object.entries(kafkaByKind).filter(([kind]) => !kinds.includes(kind));
  const sum = (of) => others.reduce((total, [, one]) => total + (of(one) ?? 0), 0);
  return { perCall: sum(({ perCall }) => perCall), perSecond: sum(({ perSecond }) => perSecond) };
}

function multiple(time, floor) {
  return time === undefined ? '' : `${(time / floor.p50).toFixed(1)}×`;
}

/** @returns a number with as many digits as are worth reading. */
export function digits(number) {
  if (number === undefined || number === null || Number.isNaN(number)) return '';
  if (Math.abs(number) >= 100) return number.toFixed(0);
  return Math.abs(number) >= 10 ? number.toFixed(1) : number.toFixed(2);
}

/** @returns rows as lines, each column as wide as it must be. */
export function asText(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('   ')}`)
    .join('\n');
}

/** @returns the statements of one phase, those first that are made most. */
export function statementsAsText({ name, top }, wanted = 60) {
  const lines = top
    .slice(0, wanted)
    .map(({ role, text, calls, ms }) => [role, digits(calls.perCall), digits(ms.perCall), text.slice(0, 150)]);
  const rows = [['', 'a call', 'ms a call', 'statement'], ...lines].map(([role, calls, ms, text]) => [role, calls, ms, text.padEnd(150)]);
  return `  the statements most often made, ${name}\n${asText(rows)}`;
}
