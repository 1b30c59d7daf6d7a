import type { CommunicationCenter } from '@communication-center/client';
import { Button, Card, Group, Stack, Text, Title, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPhone } from '../icons.js';
import { outcomeText } from './reasons.js';
import { useNames } from './use-names.js';

interface Props {
  center: CommunicationCenter;
  /** Changes when the list should be read anew. */
  version: string;
  /** A call that is over: the history tells so up to a second later than the call's own devices hear of it. */
  ended: string | undefined;
  onDial: (userAlias: string) => void;
  onChoose: (callId: string) => void;
}

/** How often the list is read while it lacks the end of a call, and how often at most. */
const again = { everyMs: 1000, times: 10 };

/** The user's last calls, newest first: choose one to see its timeline, or call back. */
export function RecentCalls({ center, version, ended, onDial, onChoose }: Props) {
  const { data: { calls } = { calls: [] } } = useQuery({
    queryKey: ['history', center.userAlias, version],
    queryFn: () => center.history(),
    placeholderData: (before) => before,
    refetchInterval: ({ state: { data, dataUpdateCount } }) => {
      const isThere = data?.calls.some(({ callId, status }) => callId === ended && status === 'ended');
      return ended === undefined || isThere || dataUpdateCount >= again.times ? false : again.everyMs;
    },
  });
  const partner = (participants: { userAlias: string }[]) =>
    participants.find(({ userAlias }) => userAlias !== center.userAlias)?.userAlias ?? '';
  const nameOf = useNames(
    center,
    calls.slice(0, 8).map(({ participants }) => partner(participants)),
  );
  return (
    <Card withBorder component="section" aria-label="Recent calls">
      <Stack gap="xs">
        <Title order={2} size="h4">
          Recent calls
        </Title>
        {calls.length === 0 && <Text c="dimmed">No calls yet</Text>}
        {calls.slice(0, 8).map((call) => (
          <Group key={call.callId} justify="space-between" wrap="nowrap">
            <UnstyledButton onClick={() => onChoose(call.callId)} flex={1}>
              <Text>
                {call.initiator === center.userAlias ? '→' : '←'} {nameOf(partner(call.participants))}
              </Text>
              <Text size="sm" c="dimmed">
                {new Date(call.dialedAt).toLocaleString()} ·{' '}
                {outcomeText(call.parts.find(({ userAlias }) => userAlias === center.userAlias))}
              </Text>
            </UnstyledButton>
            <Button
              variant="subtle"
              size="compact-sm"
              aria-label={`Call ${nameOf(partner(call.participants))}`}
              onClick={() => onDial(partner(call.participants))}
            >
              <IconPhone size={16} />
            </Button>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}
