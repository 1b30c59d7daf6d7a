import { type PlotPoint, plotPath } from './plot-path.js';

interface Props {
  /** What is plotted, as a sentence begins: `Sound from Bob`. */
  what: string;
  unit: string;
  points: readonly PlotPoint[];
}

const size = { width: 240, height: 48 };

/** One line over the time of a call; what it shows is said in words as well. */
export function Plot({ what, unit, points }: Props) {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const last = values.at(-1);
  if (last === undefined) return null;
  const said = `${what}: ${figureText(last)} ${unit}, between ${figureText(Math.min(...values))} and ${figureText(Math.max(...values))}`;
  return (
    <figure className="plot">
      <figcaption className="small">{said}</figcaption>
      <svg viewBox={`-2 -2 ${size.width + 4} ${size.height + 4}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <path d={plotPath(points, size)} vectorEffect="non-scaling-stroke" />
      </svg>
    </figure>
  );
}

const figureText = (value: number) => (value >= 10 ? String(Math.round(value)) : String(Math.round(value * 10) / 10));
