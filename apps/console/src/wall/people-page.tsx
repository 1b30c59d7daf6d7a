import type { ToldPresence } from '@communication-center/client';
import { Anchor, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { IconSearch } from '../icons.js';
import { textOf } from '../text-of.js';
import { type Column, SortedTable } from './sorted-table.js';
import { StatusBadge } from './status-badge.js';

interface Props {
  everybody: ToldPresence[];
}

/** The live wall: who is where, and with whom. */
export function PeoplePage({ everybody }: Props) {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const rows = everybody.filter(
    ({ userAlias, status, calls }) =>
      userAlias.toLowerCase().includes(wanted) ||
      status.includes(wanted) ||
      calls.some((call) => call.with.some((other) => other.toLowerCase() === wanted)),
  );
  const columns: Column<ToldPresence>[] = [
    { title: 'Person', by: ({ userAlias }) => userAlias, show: ({ userAlias }) => <Text fw={500}>{userAlias}</Text> },
    { title: 'Status', by: ({ status }) => status, show: ({ status }) => <StatusBadge status={status} /> },
    {
      title: 'With',
      by: ({ calls }) => calls.flatMap((call) => call.with).join(),
      show: ({ calls }) => <WithWhom calls={calls} onChoose={setSearch} />,
    },
    {
      title: 'Devices',
      by: ({ devices }) => String(devices.filter(({ status }) => status !== 'offline').length),
      show: ({ devices }) =>
        devices
          .filter(({ status }) => status !== 'offline')
          .map(({ deviceId }) => deviceId)
          .join(', '),
    },
    {
      title: 'Last seen',
      by: ({ status, lastSeenAt }) => (status === 'offline' ? (lastSeenAt ?? '') : '~'),
      show: ({ status, lastSeenAt }) => (status === 'offline' ? lastSeenAt && new Date(lastSeenAt).toLocaleString() : 'now'),
    },
  ];
  return (
    <Stack component="section" aria-label="People">
      <Group justify="space-between">
        <Title order={2} size="h3">
          {everybody.filter(({ status }) => status !== 'offline').length} of {everybody.length} people are here
        </Title>
        <TextInput
          aria-label="Search people"
          placeholder="alias or status"
          leftSection={<IconSearch size={16} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </Group>
      <SortedTable label="Who is where" columns={columns} rows={rows} keyOf={({ userAlias }) => userAlias} />
    </Stack>
  );
}

const verbs = { dialing: 'calls', ringing: 'is called by', connected: 'talks with' } as const;

function WithWhom({ calls, onChoose }: { calls: ToldPresence['calls']; onChoose: (userAlias: string) => void }) {
  return calls.map((call) => (
    <Text key={call.callId} size="sm">
      {textOf(verbs, call.state)}{' '}
      {call.with.map((userAlias) => (
        <Anchor key={userAlias} component="button" type="button" size="sm" mr={6} onClick={() => onChoose(userAlias)}>
          {userAlias}
        </Anchor>
      ))}
    </Text>
  ));
}
