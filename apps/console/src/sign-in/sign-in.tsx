import { CenterError, CommunicationCenter } from '@communication-center/client';
import { Alert, Button, Center, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';

interface Props {
  onSignedIn: (center: CommunicationCenter) => void;
}

/** Signs in with an app id and an alias, as apps in development may. The address can fill both in: /?app=demo&alias=alice */
export function SignIn({ onSignedIn }: Props) {
  const given = new URLSearchParams(window.location.search);
  const [appId, setAppId] = useState(given.get('app') ?? 'demo');
  const [userAlias, setUserAlias] = useState(given.get('alias') ?? '');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  const signIn = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      onSignedIn(await CommunicationCenter.connect({ url: window.location.origin, appId, userAlias }));
    } catch (problem) {
      setError(problem instanceof CenterError ? problem.message : 'The Center cannot be reached');
      setBusy(false);
    }
  };

  return (
    <Center mih="100dvh" p="md">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={400}>
        <form onSubmit={signIn}>
          <Stack>
            <div>
              <Title order={1} size="h2">
                Communication Center
              </Title>
              <Text c="dimmed">Open this page in two windows, sign in as two people, and call.</Text>
            </div>
            <TextInput label="App id" value={appId} onChange={(event) => setAppId(event.currentTarget.value)} required autoComplete="off" />
            <TextInput
              label="Your alias"
              description="alice, bob and carol are known in the demo app; any other name is made when it signs in"
              value={userAlias}
              onChange={(event) => setUserAlias(event.currentTarget.value)}
              required
              autoFocus
              autoComplete="username"
            />
            {error && (
              <Alert color="red" role="alert">
                {error}
              </Alert>
            )}
            <Button type="submit" loading={busy}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
