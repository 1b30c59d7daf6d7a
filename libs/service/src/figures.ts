import { Gauge } from 'prom-client';

/**
 * Tells Prometheus a figure as it is whenever it asks; NaN while nobody knows, such as while the database does not answer.
 * @param read must be cheap, or bounded: it is read a few times a minute by each replica.
 */
export function tellFigure(name: string, help: string, read: () => number | Promise<number>): void {
  new Gauge({
    name,
    help,
    async collect() {
      this.set(
        await Promise.resolve()
          .then(read)
          .catch(() => Number.NaN),
      );
    },
  });
}
