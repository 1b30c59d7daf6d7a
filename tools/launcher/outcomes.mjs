import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './registry.mjs';

/**
 * What came of a test.
 * @typedef {{file: string, name?: string, why: string}} Outcome
 *   `file` from the project's root; `name` with its groups, none where the whole file failed before any of its tests; `why` in its first lines.
 */

/** More than these are no accident: nothing is tried again. */
const mostAccidents = 8;

const readReport = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);
const filesOf = (report) => readReport(report)?.testResults ?? [];
const hasFailed = (one) => one.status === 'failed';

/** @returns {string} what was wrong, and where in this project: a report holds the whole way through Vitest. */
function shortly(messages) {
  const [first = ''] = messages;
  const lines = first.split('\n');
  const isPlace = (line) => /^\s+at /.test(line);
  const places = lines.filter((line) => isPlace(line) && line.includes(root) && !line.includes('node_modules')).slice(0, 2);
  return [...lines.filter((line) => !isPlace(line)).slice(0, 12), ...places.map((place) => place.replaceAll(`${root}/`, ''))].join('\n');
}

const outcomeOf = (file, { fullName, failureMessages }) => ({
  file: relative(root, file.name),
  name: fullName,
  why: shortly(failureMessages),
});

/** @returns {Outcome[]} the tests of a run that failed, and its files that ran no test since they could not be loaded or prepared. */
export function failuresOf(report) {
  return filesOf(report).flatMap((file) => {
    const failed = file.assertionResults.filter(hasFailed).map((test) => outcomeOf(file, test));
    if (failed.length > 0 || !hasFailed(file)) return failed;
    return [{ file: relative(root, file.name), why: shortly([file.message]) }];
  });
}

/** @returns {Outcome[]} the tests of a run that failed at first, and passed when they were tried once more in their place. */
export function secondTriesOf(report) {
  return filesOf(report).flatMap((file) =>
    file.assertionResults
      .filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0)
      .map((test) => outcomeOf(file, test)),
  );
}

/**
 * Says which of the tests that failed among others are worth a try alone. What was falsified by an example stays so, however often others
 * are drawn; and where many failed, it was no accident.
 * @param {Outcome[]} failures of one run.
 * @returns {{files: string[], pattern?: string} | undefined} arguments of Vitest that run these alone.
 */
export function worthAnotherTry(failures) {
  const isFalsified = ({ why }) => /Property failed after/.test(why);
  if (failures.length === 0 || failures.length > mostAccidents || failures.some(isFalsified)) return undefined;
  const files = [...new Set(failures.map(({ file }) => file))];
  if (failures.some(({ name }) => name === undefined)) return { files };
  const literally = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return { files, pattern: `^(${failures.map(({ name }) => literally(name)).join('|')})$` };
}

/** @returns how many tests passed, failed and were skipped in several runs together. A file that ran no test counts as one that failed. */
export function countsOf(reports) {
  const counts = { passed: 0, failures: 0, pending: 0 };
  for (const file of reports) {
    const report = readReport(file);
    if (!report) continue;
    counts.passed += report.numPassedTests;
    counts.failures += failuresOf(file).length;
    counts.pending += report.numPendingTests;
  }
  return counts;
}

/** @returns the files that took longest, each with its seconds. */
export function slowestOf(reports, count = 8) {
  return reports
    .flatMap(filesOf)
    .map(({ name, startTime, endTime }) => ({ file: relative(root, name), seconds: (endTime - startTime) / 1000 }))
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, count);
}
