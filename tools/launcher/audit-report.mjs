const severities = ['critical', 'high', 'moderate', 'low', 'info'];
/** From here on somebody has to act. */
const bad = new Set(['critical', 'high']);

/**
 * Judges what `npm audit --json` has said.
 * @returns {{said: string[], isBad: boolean}} what to tell, and whether something is to be done. Where no registry answered, nothing
 *   is known, and that is said.
 */
export function judgeAudit(output, complaint = '') {
  const report = parsed(output);
  if (!report?.vulnerabilities) {
    const why = report?.message ?? report?.error?.summary ?? complaint.trim().split('\n')[0];
    return {
      said: [`No registry answers questions about faults here${why ? ` (${why})` : ''}: the dependencies were NOT audited.`],
      isBad: false,
    };
  }
  const found = Object.values(report.vulnerabilities).toSorted(
    (one, other) => severities.indexOf(one.severity) - severities.indexOf(other.severity),
  );
  const lines = found.map(({ name, severity, range, via, fixAvailable }) => {
    const titles = via.filter((one) => typeof one === 'object').map(({ title }) => title);
    return `${severity}: ${name} ${range}${titles.length > 0 ? `: ${titles.join('; ')}` : ''}${fixAvailable ? ' (a fix is there)' : ''}`;
  });
  const audited = report.metadata?.dependencies?.total ?? 'all';
  return {
    said: [...lines, `${audited} dependencies were audited; ${found.length} have faults that are known`],
    isBad: found.some(({ severity }) => bad.has(severity)),
  };
}

function parsed(output) {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}
