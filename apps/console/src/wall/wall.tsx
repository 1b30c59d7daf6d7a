import type { CommunicationCenter } from '@communication-center/client';
import { Alert, Container } from '@mantine/core';
import { useCallback, useState } from 'react';
import { DevicesPage } from './devices-page.js';
import { PeoplePage } from './people-page.js';
import { useEverybody } from './use-everybody.js';

interface Props {
  center: CommunicationCenter;
  shows: 'people' | 'devices';
}

/** Follows everybody's presence while it is looked at. */
export function Wall({ center, shows }: Props) {
  const [error, setError] = useState<string>();
  const onError = useCallback((problem: unknown) => setError(problem instanceof Error ? problem.message : String(problem)), []);
  const everybody = useEverybody(center, onError);
  return (
    <Container size="lg" py="md">
      {error && (
        <Alert color="red" role="alert">
          {error}
        </Alert>
      )}
      {shows === 'people' ? <PeoplePage everybody={everybody} /> : <DevicesPage everybody={everybody} />}
    </Container>
  );
}
