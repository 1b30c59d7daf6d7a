import type { ToldPresence } from '@communication-center/client';
import { Group, Stack, Switch, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { IconSearch } from '../icons.js';
import { type Column, SortedTable } from './sorted-table.js';
import { StatusBadge } from './status-badge.js';

type DeviceRow = ToldPresence['devices'][number] & { userAlias: string; with: string };

/** Every device: whose it is, what it does, since when. */
export function DevicesPage({ everybody }: { everybody: ToldPresence[] }) {
  const [search, setSearch] = useState('');
  const [offlineToo, setOfflineToo] = useState(false);
  const wanted = search.trim().toLowerCase();
  const all = everybody.flatMap(({ userAlias, devices, calls }) =>
    devices.map((device): DeviceRow => {
      const call = calls.find(({ deviceId, state }) => deviceId === device.deviceId || state === 'ringing');
      return { ...device, userAlias, with: call?.with.join(', ') ?? '' };
    }),
  );
  const rows = all.filter(
    (row) =>
      (offlineToo || row.status !== 'offline') &&
      [row.deviceId, row.userAlias, row.platform].some((text) => text.toLowerCase().includes(wanted)),
  );
  const columns: Column<DeviceRow>[] = [
    { title: 'Device', by: ({ deviceId }) => deviceId, show: ({ deviceId }) => deviceId },
    { title: 'Person', by: ({ userAlias }) => userAlias, show: ({ userAlias }) => userAlias },
    { title: 'Platform', by: ({ platform }) => platform, show: ({ platform }) => platform },
    { title: 'Status', by: ({ status }) => status, show: ({ status }) => <StatusBadge status={status} /> },
    { title: 'With', by: (row) => row.with, show: (row) => row.with },
    { title: 'Since', by: ({ since }) => since, show: ({ since }) => new Date(since).toLocaleString() },
  ];
  return (
    <Stack component="section" aria-label="Devices">
      <Group justify="space-between">
        <Title order={2} size="h3">
          {all.filter(({ status }) => status !== 'offline').length} devices are connected
        </Title>
        <Group>
          <Switch label="offline too" checked={offlineToo} onChange={(event) => setOfflineToo(event.currentTarget.checked)} />
          <TextInput
            aria-label="Search devices"
            placeholder="device, person or platform"
            leftSection={<IconSearch size={16} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        </Group>
      </Group>
      <SortedTable label="Devices" columns={columns} rows={rows} keyOf={({ userAlias, deviceId }) => `${userAlias} ${deviceId}`} />
    </Stack>
  );
}
