import { Table, Text, UnstyledButton } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { IconChevronDown, IconChevronUp, IconSelector } from '../icons.js';

export interface Column<Row> {
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
}

/** A table whose headings sort it. */
export function SortedTable<Row>({ label, columns, rows, keyOf }: Props<Row>) {
  const [order, setOrder] = useState({ title: columns[0]?.title ?? '', down: false });
  const column = columns.find(({ title }) => title === order.title);
  const sorted = rows.toSorted((one, other) => {
    const compared = (column?.by(one) ?? '').localeCompare(column?.by(other) ?? '') || keyOf(one).localeCompare(keyOf(other));
    return order.down ? -compared : compared;
  });
  const sortBy = (title: string) => setOrder({ title, down: order.title === title && !order.down });
  return (
    <Table.ScrollContainer minWidth={600}>
      <Table striped highlightOnHover aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ title }) => (
              <Table.Th key={title} aria-sort={title !== order.title ? 'none' : order.down ? 'descending' : 'ascending'}>
                <UnstyledButton onClick={() => sortBy(title)}>
                  <Text span fw={600} size="sm">
                    {title} <SortIcon active={title === order.title} down={order.down} />
                  </Text>
                </UnstyledButton>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map((row) => (
            <Table.Tr key={keyOf(row)}>
              {columns.map(({ title, show }) => (
                <Table.Td key={title}>{show(row)}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function SortIcon({ active, down }: { active: boolean; down: boolean }) {
  if (!active) return <IconSelector size={14} />;
  return down ? <IconChevronDown size={14} /> : <IconChevronUp size={14} />;
}
