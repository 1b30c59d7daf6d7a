import type { NewName, PresenceStatus } from '@communication-center/contracts';
import { Badge } from '@mantine/core';
import { readable } from '../text-of.js';

const colors: Record<string, string> = {
  offline: 'gray',
  online: 'teal',
  away: 'yellow',
  do_not_disturb: 'grape',
  busy: 'red',
} satisfies Record<PresenceStatus, string>;

export function StatusBadge({ status }: { status: PresenceStatus | NewName }) {
  return (
    <Badge color={colors[status] ?? 'gray'} variant="light">
      {readable(status)}
    </Badge>
  );
}
