/** A value at a moment; null where nothing was measured. */
export interface PlotPoint {
  at: number;
  value: number | null;
}

export interface PlotSize {
  width: number;
  height: number;
}

/**
 * @returns the path of a line through points, for the `d` of an SVG path: from zero at the bottom to the highest value at the top, with a
 * gap wherever nothing was measured. Nothing for nothing.
 */
export function plotPath(points: readonly PlotPoint[], { width, height }: PlotSize): string {
  const first = points[0]?.at ?? 0;
  const span = Math.max(1, (points.at(-1)?.at ?? 0) - first);
  const highest = Math.max(1e-9, ...points.map(({ value }) => value ?? 0));
  let isDrawing = false;
  const steps = points.map(({ at, value }) => {
    if (value === null) {
      isDrawing = false;
      return '';
    }
    const step = `${isDrawing ? 'L' : 'M'}${fixed((width * (at - first)) / span)} ${fixed(height * (1 - Math.max(0, value) / highest))}`;
    isDrawing = true;
    return step;
  });
  return steps.join('');
}

const fixed = (value: number) => value.toFixed(1);
