import { readFileSync, writeFileSync } from 'node:fs';
import { plot } from './plot.mjs';
import { digits, rowsOf } from './report.mjs';

const page = new URL('../../docs/performance.md', import.meta.url);
const picture = new URL('../../docs/performance-calls.svg', import.meta.url);
export const marks = ['<!-- bench:calls writes from here -->', '<!-- to here -->'];

/** Replaces what is between two marks of docs/performance.md. @throws when they are not in the page. */
export function writeBetween([first, last], written) {
  const text = readFileSync(page, 'utf8');
  const from = text.indexOf(first);
  const to = text.indexOf(last, from);
  if (from < 0 || to < 0) throw new Error(`docs/performance.md has lost its marks: ${first} ${last}`);
  writeFileSync(page, `${text.slice(0, from)}${first}\n\n${written}\n\n${text.slice(to)}`);
}

/** Replaces the table of docs/performance.md and the picture beside it. @throws when the marks are not in the page. */
export function writeDocs(result) {
  const { oneHop, twoHops } = result.floor;
  const said = [
    `Measured ${result.at.slice(0, 10)} on ${result.machine}; one replica of every service, all servers and the client on the same machine, ${result.pairs} pairs.`,
    `The floor of this run (p50 / p99): one hop ${digits(oneHop.p50)} / ${digits(oneHop.p99)} ms, two hops ${digits(twoHops.p50)} / ${digits(twoHops.p99)} ms.`,
    `Sockets connected and served: ${digits(result.socketsPerSecond)} a second. Idle, the fleet takes ${digits(result.phases[0].cpuMsAll.perSecond / 10)} % of a core.`,
  ].join('\n');
  const table = asMarkdown(rowsOf(result, { ofServices: false }));
  writeBetween(marks, `${said}\n\n${table}`);
  writeFileSync(picture, plot(result));
}

/** @param rows of text, the first of which names the columns. */
export function asMarkdown([head, ...rows]) {
  const shown = [head, ...rows].map(([first, ...cells]) => [first.replace(/^ +/, '– '), ...cells]);
  const widths = head.map((_, column) => Math.max(3, ...shown.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [first, ...others] = shown;
  return [line(first), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others.map(line)].join('\n');
}
