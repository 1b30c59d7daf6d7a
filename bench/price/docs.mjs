import { readFileSync, writeFileSync } from 'node:fs';
import { plot } from './plot.mjs';
import { digits, rowsOf } from './report.mjs';

const page = new URL('../../docs/performance.md', import.meta.url);
const picture = new URL('../../docs/performance-calls.svg', import.meta.url);
export const marks = ['<!-- bench:calls writes from here -->', '<!-- to here -->'];

/** Replaces the table of docs/performance.md and the picture beside it. @throws when the marks are not in the page. */
export function writeDocs(result) {
  const text = readFileSync(page, 'utf8');
  const [from, to] = marks.map((mark) => text.indexOf(mark));
  if (from < 0 || to < from) throw new Error(`docs/performance.md has lost its marks: ${marks.join(' ')}`);
  const { oneHop, twoHops } = result.floor;
  const said = [
    `Measured ${result.at.slice(0, 10)} on ${result.machine}; one replica of every service, all servers and the client on the same machine, ${result.pairs} pairs.`,
    `The floor of this run (p50 / p99): one hop ${digits(oneHop.p50)} / ${digits(oneHop.p99)} ms, two hops ${digits(twoHops.p50)} / ${digits(twoHops.p99)} ms.`,
    `Sockets connected and served: ${digits(result.socketsPerSecond)} a second. Idle, the fleet takes ${digits(result.phases[0].cpuMsAll.perSecond / 10)} % of a core.`,
  ].join('\n');
  const table = asMarkdown(rowsOf(result, { ofServices: false }));
  writeFileSync(page, `${text.slice(0, from)}${marks[0]}\n\n${said}\n\n${table}\n\n${text.slice(to)}`);
  writeFileSync(picture, plot(result));
}

function asMarkdown([head, ...rows]) {
  const shown = [head, ...rows].map(([first, ...cells]) => [first.replace(/^ +/, '– '), ...cells]);
  const widths = head.map((_, column) => Math.max(3, ...shown.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [first, ...others] = shown;
  return [line(first), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others.map(line)].join('\n');
}
