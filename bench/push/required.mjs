const row = (what, got, isMet) => [what, got, isMet ? 'met' : '**missed**'];
const ms = (value) => `${value.toFixed(1)} ms`;
const percent = (value) => `${(value * 100).toFixed(0)} %`;

/** @returns the number in the middle, or the upper of the two there. */
export const medianOf = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];

/** @returns how many times one kind of pushes of a way was as fast as another: in the middle, at least and at most, by rounds. */
function ratio(rates, way, kind, of) {
  const inRound = (wanted, round) => rates.find((one) => one.way === way && one.kind === wanted && one.round === round)?.perSecond;
  const all = [...new Set(rates.map(({ round }) => round))].map((round) => inRound(kind, round) / inRound(of, round));
  return { median: medianOf(all), text: `${percent(medianOf(all))} (${percent(Math.min(...all))} to ${percent(Math.max(...all))})` };
}

/** @returns what was set of how many there are, beside what came of it, as rows of a table. */
export function requiredOfRates(rates) {
  return [
    ['required', 'got, median of rounds', ''],
    ...['apns', 'fcm'].flatMap((way) => {
      const [half, unmoved] = [ratio(rates, way, 'ours', 'bare'), ratio(rates, way, 'slow', 'ours')];
      const name = way === 'apns' ? 'APNs' : 'FCM';
      return [
        row(`${name}: half the rate of its bare library`, half.text, half.median >= 0.5),
        row(`${name}: the rate unmoved by a provider that takes 100 ms`, unmoved.text, unmoved.median >= 0.9),
      ];
    }),
  ];
}

/** @returns what was set as the least, beside what came of it, as rows of a table. */
export function required({ latencies, rates, crowd, mailsLeft }) {
  const [idle, slow, queued] = latencies;
  const ours = rates.filter(({ kind }) => kind !== 'bare');
  const later = idle.push.p50 - idle.ring.p50;
  const slowest = Math.max(idle.push.p99, queued.push.p99);
  const most = Math.max(...ours.map(({ node }) => node));
  const all = [...latencies, ...ours, crowd];
  const wrong = all.reduce((sum, { twice, late }) => sum + twice + late, 0);
  return [
    ...requiredOfRates(rates).slice(1),
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
