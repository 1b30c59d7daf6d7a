import type { CommunicationCenter } from '@communication-center/client';
import { Tabs } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Phone } from './phone/phone.js';
import { SignIn } from './sign-in/sign-in.js';
import { Wall } from './wall/wall.js';

/** A phone to try the Center with, and the wall of who is where. The phone rings whatever page is shown. */
export function App() {
  const [page, setPage] = useState<string | null>('phone');
  const [center, setCenter] = useState<CommunicationCenter>();
  useEffect(() => () => center?.close(), [center]);
  if (!center) return <SignIn onSignedIn={setCenter} />;
  const signOut = () => {
    center.close();
    setCenter(undefined);
  };
  return (
    <Tabs value={page} onChange={setPage}>
      <Tabs.List justify="center">
        <Tabs.Tab value="phone">Phone</Tabs.Tab>
        <Tabs.Tab value="people">People</Tabs.Tab>
        <Tabs.Tab value="devices">Devices</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="phone">
        <Phone center={center} onSignOut={signOut} />
      </Tabs.Panel>
      <Tabs.Panel value="people">{page === 'people' && <Wall center={center} shows="people" />}</Tabs.Panel>
      <Tabs.Panel value="devices">{page === 'devices' && <Wall center={center} shows="devices" />}</Tabs.Panel>
    </Tabs>
  );
}
