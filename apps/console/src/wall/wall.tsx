import type { ToldPresence } from '@communication-center/client';
import { useState } from 'react';
import { Status } from '../parts/status.js';
import { byPresence } from '../people/found.js';
import { deviceName } from '../words/device-names.js';
import { listed, when } from '../words/lists.js';
import { textOf } from '../words/text-of.js';
import { SortedTable } from './sorted-table.js';

interface Props {
  everybody: readonly ToldPresence[];
  nameOf: (userAlias: string) => string;
}

const isHere = ({ status }: { status: string }) => status !== 'offline';

/** The live wall: who is where and with whom, who is here first. */
export function People({ everybody, nameOf }: Props) {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const textsOf = ({ userAlias, status, calls }: ToldPresence) => [
    nameOf(userAlias),
    userAlias,
    status,
    ...calls.flatMap((call) => call.with.map(nameOf)),
  ];
  const rows = everybody.filter((presence) => textsOf(presence).some((text) => text.toLowerCase().includes(wanted)));
  return (
    <section className="card" aria-label="Who is here">
      <h1>
        {everybody.filter(isHere).length} of {everybody.length} people are here
      </h1>
      <Search label="Find a person" search={search} onSearch={setSearch} />
      <SortedTable
        label="Who is where"
        rows={rows}
        keyOf={({ userAlias }) => userAlias}
        first={byPresence(nameOf)}
        columns={[
          { title: 'Person', by: ({ userAlias }) => nameOf(userAlias), show: ({ userAlias }) => <strong>{nameOf(userAlias)}</strong> },
          { title: 'Status', by: ({ status }) => status, show: ({ status }) => <Status status={status} /> },
          { title: 'With', by: (presence) => withWhom(presence, nameOf), show: (presence) => withWhom(presence, nameOf) },
          { title: 'On', by: devicesOf, show: devicesOf },
          { title: 'Since', by: (presence) => sinceOf(presence) ?? '', show: (presence) => sinceText(presence) },
        ]}
      />
    </section>
  );
}

/** Every device that is connected, or was lately: whose it is, what it is, since when. */
export function Devices({ everybody, nameOf }: Props) {
  const [search, setSearch] = useState('');
  const [offlineToo, setOfflineToo] = useState(false);
  const wanted = search.trim().toLowerCase();
  const all = everybody.flatMap(({ userAlias, devices, calls }) =>
    devices.map((device) => {
      const call = calls.find(({ deviceId }) => deviceId === device.deviceId);
      return { ...device, userAlias, name: deviceName(device), with: listedOrNone(call?.with.map(nameOf)) };
    }),
  );
  const rows = all.filter(
    (row) =>
      (offlineToo || isHere(row)) && [row.name, nameOf(row.userAlias), row.userAlias].some((text) => text.toLowerCase().includes(wanted)),
  );
  return (
    <section className="card" aria-label="Devices">
      <h1>{all.filter(isHere).length} devices are connected</h1>
      <Search label="Find a device" search={search} onSearch={setSearch} />
      <label className="row check">
        <input type="checkbox" checked={offlineToo} onChange={(event) => setOfflineToo(event.currentTarget.checked)} />
        Show those that are offline too
      </label>
      <SortedTable
        label="Devices"
        rows={rows}
        keyOf={({ userAlias, deviceId }) => `${userAlias} ${deviceId}`}
        columns={[
          { title: 'Person', by: ({ userAlias }) => nameOf(userAlias), show: ({ userAlias }) => <strong>{nameOf(userAlias)}</strong> },
          { title: 'Device', by: ({ name }) => name, show: ({ name }) => name },
          { title: 'Status', by: ({ status }) => status, show: ({ status }) => <Status status={status} /> },
          { title: 'With', by: (row) => row.with, show: (row) => row.with },
          { title: 'Since', by: ({ since }) => since, show: ({ since }) => when(since) },
        ]}
      />
    </section>
  );
}

function Search({ label, search, onSearch }: { label: string; search: string; onSearch: (search: string) => void }) {
  return (
    <label>
      {label}
      <input
        value={search}
        onChange={(event) => onSearch(event.currentTarget.value)}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
    </label>
  );
}

const verbs = { dialing: 'calls', ringing: 'is called by', connected: 'talks with' } as const;
const listedOrNone = (names: readonly string[] | undefined) => (names && names.length > 0 ? listed(names) : '');
const withWhom = ({ calls }: ToldPresence, nameOf: Props['nameOf']) =>
  calls.map((call) => `${textOf(verbs, call.state)} ${listed(call.with.map(nameOf))}`).join('; ');

/** A person with the same kind of device several times is there twice, not on two kinds. */
function devicesOf({ devices }: ToldPresence): string {
  const times = new Map<string, number>();
  for (const device of devices.filter(isHere)) times.set(deviceName(device), (times.get(deviceName(device)) ?? 0) + 1);
  return [...times].map(([name, count]) => (count > 1 ? `${name} (${count})` : name)).join(', ');
}

/** Since when somebody is here: the earliest of the devices; of whom is away, when they were last seen. */
function sinceOf({ status, devices, lastSeenAt }: ToldPresence): string | undefined {
  if (status === 'offline') return lastSeenAt ?? undefined;
  return devices
    .filter(isHere)
    .map(({ since }) => since)
    .sort()[0];
}

function sinceText(presence: ToldPresence): string {
  const since = sinceOf(presence);
  if (!since) return '';
  return presence.status === 'offline' ? `last seen ${when(since)}` : when(since);
}
