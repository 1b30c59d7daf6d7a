import { type ReactNode, useState } from 'react';
import { IconChevronDown, IconChevronUp, IconSelector } from '../icons.js';

interface Column<Row> {
  title: string;
  /** What rows are sorted by. */
  by: (row: Row) => string;
  show: (row: Row) => ReactNode;
}

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  /** How rows lie before somebody sorts them; by the first column without it. */
  first?: (one: Row, other: Row) => number;
}

/** A table whose headings sort it. */
export function SortedTable<Row>({ label, columns, rows, keyOf, first }: Props<Row>) {
  const [order, setOrder] = useState<{ title: string; down: boolean }>();
  const column = order ? columns.find(({ title }) => title === order.title) : columns[0];
  const byColumn = (one: Row, other: Row) => {
    const compared = (column?.by(one) ?? '').localeCompare(column?.by(other) ?? '') || keyOf(one).localeCompare(keyOf(other));
    return order?.down ? -compared : compared;
  };
  const sorted = rows.toSorted(order ? byColumn : (first ?? byColumn));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what does not fit is scrolled to by keys as well
    <section className="table" aria-label={`${label}, a table`} tabIndex={0}>
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title }) => {
              const isSorted = title === order?.title;
              return (
                <th key={title} scope="col" aria-sort={isSorted ? (order.down ? 'descending' : 'ascending') : undefined}>
                  <button type="button" className="sort" onClick={() => setOrder({ title, down: isSorted && !order.down })}>
                    {title} <SortIcon active={isSorted} down={isSorted && order.down} />
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, show }) => (
                <td key={title}>{show(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function SortIcon({ active, down }: { active: boolean; down: boolean }) {
  if (!active) return <IconSelector size={14} />;
  return down ? <IconChevronDown size={14} /> : <IconChevronUp size={14} />;
}
