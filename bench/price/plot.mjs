import { byRate, digits } from './report.mjs';

const colours = [
  '#4c72b0',
  '#dd8452',
  '#55a868',
  '#c44e52',
  '#8172b3',
  '#937860',
  '#da8bc3',
  '#8c8c8c',
  '#ccb974',
  '#64b5cd',
  '#2f4b7c',
  '#a05195',
  '#665191',
  '#ffa600',
];
const panel = { width: 440, height: 260, left: 56, top: 40 };
const shownLatencies = ['dial to ring', 'dial reply', 'answer to told', 'hang-up to told', 'presence'];

/** @returns an SVG of what a call costs in processor time, by process, and of how long its steps take, for each load. */
export function plot({ phases }) {
  const loads = byRate(phases);
  const processes = Object.keys(loads[0].cpuMs);
  const width = 2 * (panel.left + panel.width) + 150;
  const height = panel.top + panel.height + 60;
  const parts = [at(0, costs(loads, processes)), at(panel.left + panel.width + 150, times(loads))];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width + 150} ${height}" font-family="sans-serif" font-size="11">
<title>What a call costs in processor time by process, and how long its steps take, for each load</title>
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

const at = (x, content) => `<g transform="translate(${x} 0)">\n${content}\n</g>`;
const text = (x, y, said, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${said}</text>`;
const box = (x, y, width, height, fill) =>
  `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}"/>`;

/** Bars, one a load, of as many parts as there are processes. */
function costs(loads, processes) {
  const highest = Math.max(...loads.map(({ cpuMsAll }) => cpuMsAll.perCall));
  const scale = panel.height / highest;
  const step = panel.width / loads.length;
  const bars = loads.flatMap((load, index) => {
    let top = panel.top + panel.height;
    const x = panel.left + index * step + step * 0.15;
    return processes.map((process, number) => {
      const tall = load.cpuMs[process].perCall * scale;
      top -= tall;
      return box(x, top, step * 0.7, tall, colours[number % colours.length]);
    });
  });
  return [...frame('CPU-ms a call, by process', loads, highest, step), ...bars, ...legend(processes)].join('\n');
}

/** Lines over the loads: p50 drawn, p99 dashed. */
function times(loads) {
  const known = shownLatencies.filter((what) => loads.some(({ latencies }) => latencies[what]));
  const highest = Math.max(...loads.flatMap(({ latencies }) => known.map((what) => latencies[what]?.p99 ?? 0)), 1);
  // Tens of milliseconds and seconds are to be seen side by side.
  const y = (time) => panel.top + panel.height * (1 - Math.log10(Math.max(1, time)) / Math.log10(highest));
  const step = panel.width / loads.length;
  const lines = known.flatMap((what, number) =>
    ['p50', 'p99'].map((which) => {
      const points = loads.flatMap(({ latencies }, index) =>
        latencies[what] ? [`${(panel.left + (index + 0.5) * step).toFixed(1)},${y(latencies[what][which]).toFixed(1)}`] : [],
      );
      const dashes = which === 'p99' ? ' stroke-dasharray="4 3"' : '';
      return `<polyline points="${points.join(' ')}" fill="none" stroke="${colours[number]}" stroke-width="1.5"${dashes}/>`;
    }),
  );
  const marks = [1, 10, 100, 1000, 10_000]
    .filter((time) => time <= highest)
    .map((time) => text(panel.left - 6, y(time) + 4, time, 'text-anchor="end"'));
  return [...frame('milliseconds, p50 and p99 (dashed)', loads, undefined, step), ...marks, ...lines, ...legend(known)].join('\n');
}

function frame(title, loads, highest, step) {
  const bottom = panel.top + panel.height;
  return [
    text(panel.left, panel.top - 16, title, 'font-size="13" font-weight="bold"'),
    `<path d="M${panel.left} ${panel.top}V${bottom}H${panel.left + panel.width}" fill="none" stroke="#444"/>`,
    ...loads.map(({ name }, index) =>
      text(panel.left + (index + 0.5) * step, bottom + 16 + 12 * (index % 2), name, 'text-anchor="middle"'),
    ),
    ...(highest === undefined
      ? []
      : [0, 0.25, 0.5, 0.75, 1].map((part) =>
          text(panel.left - 6, bottom - part * panel.height + 4, digits(part * highest), 'text-anchor="end"'),
        )),
  ];
}

function legend(names) {
  return names.flatMap((name, number) => {
    const y = panel.top + 14 * (names.length - 1 - number);
    return [
      box(panel.left + panel.width + 8, y, 10, 10, colours[number % colours.length]),
      text(panel.left + panel.width + 22, y + 9, name),
    ];
  });
}
