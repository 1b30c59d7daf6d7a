/*
 * An audit says what was found, and never takes silence for a clean bill of health.
 */
import { expect, test } from 'vitest';
import { judgeAudit } from './launcher/audit-report.mjs';

const report = (severity: string) =>
  JSON.stringify({
    vulnerabilities: {
      left: { name: 'left', severity, range: '<2', via: [{ title: 'Runs what it is sent' }, 'right'], fixAvailable: true },
    },
    metadata: { dependencies: { total: 812 } },
  });

test.each([
  ['critical', true],
  ['high', true],
  ['moderate', false],
])('one that is %s has to be dealt with: %s', (severity, isBad) => {
  expect(judgeAudit(report(severity))).toEqual({
    said: [`${severity}: left <2: Runs what it is sent (a fix is there)`, '812 dependencies were audited; 1 have faults that are known'],
    isBad,
  });
});

test('nothing found is said with how much was looked at', () => {
  const { said, isBad } = judgeAudit(JSON.stringify({ vulnerabilities: {}, metadata: { dependencies: { total: 812 } } }));
  expect([said, isBad]).toEqual([['812 dependencies were audited; 0 have faults that are known'], false]);
});

test.each([
  [JSON.stringify({ message: 'request to https://registry.example/-/npm/v1/security failed', error: { summary: '' } }), ''],
  [JSON.stringify({ error: { code: 'ENOAUDIT', summary: 'Your configured registry does not support audit requests' } }), ''],
  ['', 'npm error audit endpoint returned an error'],
  ['<html>404</html>', ''],
])('where no registry answers that is said: %s', (output, complaint) => {
  const { said, isBad } = judgeAudit(output, complaint);
  expect(said[0]).toContain('were NOT audited');
  expect(isBad).toBe(false);
});
