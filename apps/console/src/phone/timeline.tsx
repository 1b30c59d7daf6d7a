import type { CommunicationCenter } from '@communication-center/client';
import { Alert, Loader, Timeline as Steps, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

interface Props {
  center: CommunicationCenter;
  callId: string;
  /** The last event known here: a newer one reads the log again. */
  sequence: number;
}

/** What happened in a call, read back from its log. */
export function Timeline({ center, callId, sequence }: Props) {
  const { data, error, isPending } = useQuery({
    queryKey: ['timeline', callId, sequence],
    queryFn: () => center.timeline(callId),
    placeholderData: (before) => (before?.callId === callId ? before : undefined),
  });
  if (error) return <Alert color="red">{error.message}</Alert>;
  if (isPending) return <Loader size="sm" />;
  return (
    <Steps active={data.events.length - 1} bulletSize={14} lineWidth={2} aria-label="Timeline">
      {data.events.map((event) => (
        <Steps.Item key={event.sequence} title={event.type}>
          <Text size="sm" c="dimmed">
            {new Date(event.time).toLocaleTimeString(undefined, { hour12: false })}.{event.time.slice(20, 23)} {detailOf(event.data)}
          </Text>
        </Steps.Item>
      ))}
    </Steps>
  );
}

function detailOf(data: Record<string, unknown>): string {
  const who = data.userAlias ?? data.initiator;
  return [who, data.reason].filter((part) => typeof part === 'string').join(' · ');
}
