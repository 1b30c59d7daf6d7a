/** @returns what was set as the least, beside what came of it, as rows of a table. */
export function required({ latencies, rates, crowd, mailsLeft }) {
  const [idle, slow, queued] = latencies;
  const row = (what, got, isMet) => [what, got, isMet ? 'met' : '**missed**'];
  const ms = (value) => `${value.toFixed(1)} ms`;
  const percent = (value) => `${(value * 100).toFixed(0)} %`;
  const of = (way, kind) => rates.filter((one) => one.way === way && one.kind === kind);
  const mean = (all) => all.reduce((sum, { perSecond }) => sum + perSecond, 0) / all.length;
  const ours = rates.filter(({ kind }) => kind !== 'bare');
  const rows = ['apns', 'fcm'].flatMap((way) => {
    const [bare, full, held] = ['bare', 'ours', 'slow'].map((kind) => mean(of(way, kind)));
    const name = way === 'apns' ? 'APNs' : 'FCM';
    return [
      row(`${name}: half the rate of its bare library`, percent(full / bare), full / bare >= 0.5),
      row(`${name}: the rate unmoved by a provider that takes 100 ms`, percent(held / full), held / full >= 0.9),
    ];
  });
  const later = idle.push.p50 - idle.ring.p50;
  const slowest = Math.max(idle.push.p99, queued.push.p99);
  const most = Math.max(...ours.map(({ node }) => node));
  const all = [...latencies, ...ours, crowd];
  const wrong = all.reduce((sum, { twice, late }) => sum + twice + late, 0);
  return [
    ...rows,
    row('dial → push at most 8 ms above dial → ring, p50', ms(later), later <= 8),
    row(`dial → push under 60 ms, p99, also while e-mails are queued (${mailsLeft} at the end)`, ms(slowest), slowest < 60),
    row('the same beside what the provider takes (100 ms)', ms(slow.push.p99), slow.push.p99 < 60),
    row('at most 1 CPU-ms of notifications a push', `${most.toFixed(2)} ms`, most <= 1),
    row('none twice, none after its deadline', String(wrong), wrong === 0),
    row(
      `1,000 calls at once to people who are away: ${crowd.wanted} pushes`,
      `${crowd.count}; p50 ${ms(crowd.p50)}, p99 ${ms(crowd.p99)}, the last ${ms(crowd.most)}`,
      crowd.count === crowd.wanted,
    ),
  ];
}
