import { asMarkdown, writeBetween } from '../price/docs.mjs';
import { asText, digits, percentile } from '../price/report.mjs';
import { holds } from './load.mjs';

export const marks = ['<!-- bench:media writes from here -->', '<!-- to here, of media -->'];

/** Prints what was measured. */
export function tell(result) {
  for (const table of tablesOf(result)) console.log(`\n${asText(table)}`);
  for (const said of sentencesOf(result)) console.log(`  ${said}`);
}

/** Replaces the tables of docs/performance.md. @throws when the marks are not in the page. */
export function write(result) {
  const said = [
    `Measured ${result.at.slice(0, 10)} on ${result.machine}; one replica of every service, all servers, peers and pages on the same machine; all calls on one Janus.`,
    ...sentencesOf(result),
  ].join('\n');
  writeBetween(marks, [said, ...tablesOf(result).map(asMarkdown)].join('\n\n'));
}

/** @returns rows of text, the first of which names the columns. */
export function tablesOf({ pages, rooms, load }) {
  const times = [
    ...(pages ? [timed('answer → first picture decoded, who answered', pages.answered, pages.floor)] : []),
    ...(pages ? [timed('answer → first picture decoded, who called', pages.called, pages.floor)] : []),
    ...(pages ? [timed('– the floor: two connections of one page', pages.floor, undefined)] : []),
    ...(rooms ? [timed('`join` → `joined`, first device: its room is made', rooms.first, rooms.bare)] : []),
    ...(rooms ? [timed('`join` → `joined`, second device', rooms.second, rooms.bare)] : []),
    ...(rooms ? [timed('`join` → `joined`, first device, where nobody was in any call', rooms.atRest, rooms.bare)] : []),
    ...(rooms ? [timed('– the floor: attach, create, join at a bare Janus', rooms.bare, undefined)] : []),
  ];
  const loads = [...(load?.twos ?? []), ...(load?.sixes ?? [])].map((row) => [
    `${row.calls} of ${row.size}`,
    String(row.streams),
    percent(row.janus),
    digits((row.janus * 100) / row.streams),
    percent(row.peers),
    String(Math.round(row.packetsPerSecond)),
    digits(row.lossPercent),
    `${digits(row.delayP50)} / ${digits(row.delayP99)}`,
    row.holds ? 'yes' : 'no',
  ]);
  const head = [
    'calls',
    'streams',
    'Janus, % of a core',
    '– a stream',
    'peers, % of a core',
    'packets/s at peers',
    'lost, %',
    'delay p50 / p99, ms',
    'holds',
  ];
  return [
    ...(times.length > 0 ? [[['', 'p50, ms', 'p99, ms', 'of the floor, p50', 'samples'], ...times]] : []),
    ...(loads.length > 0 ? [[head, ...loads]] : []),
  ];
}

function timed(what, samples, floor) {
  const times = [50, 99].map((percent) => digits(percentile(samples, percent)));
  return [what, ...times, floor ? `${digits(percentile(samples, 50) / percentile(floor, 50))}×` : '', String(samples.length)];
}

/** @returns what one Janus held, in words. */
export function sentencesOf({ load, kbps }) {
  if (!load) return [];
  const said = [load.twos, load.sixes].flatMap((rows) => {
    const row = rows.findLast(({ holds: isHeld }) => isHeld);
    if (!row) return [];
    // More may be held than was tried.
    const most = row === rows.at(-1) ? 'at least ' : '';
    return `${most}${row.calls} calls of ${row.size} (${row.streams} streams, ${percent(row.janus)} % of a core, ${digits((row.janus * 100) / row.streams)} % a stream)`;
  });
  return [
    `Held by one Janus, at ${kbps} kbit/s a picture and 32 a voice: ${said.join('; ') || 'none of what was tried'}. Held is: at most ${holds.lossPercent} % lost, 99 of 100 packets there in ${holds.delayMs} ms.`,
  ];
}

const percent = (share) => digits(share * 100);
