import type { PresenceStatus } from '@communication-center/contracts';
import { Badge } from '@mantine/core';

const looks: Record<PresenceStatus, { color: string; text: string }> = {
  offline: { color: 'gray', text: 'offline' },
  online: { color: 'teal', text: 'online' },
  away: { color: 'yellow', text: 'away' },
  do_not_disturb: { color: 'grape', text: 'do not disturb' },
  busy: { color: 'red', text: 'busy' },
};

export function StatusBadge({ status }: { status: PresenceStatus }) {
  const { color, text } = looks[status];
  return (
    <Badge color={color} variant="light">
      {text}
    </Badge>
  );
}
