import { type Call, CenterError, type CommunicationCenter } from '@communication-center/client';
import type { CallType } from '@communication-center/contracts';
import { Alert, Badge, Button, Card, Container, Group, SegmentedControl, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, useCallback, useEffect, useState } from 'react';
import { IconPhone } from '../icons.js';
import { CallPanel } from './call-panel.js';
import { IncomingCall } from './incoming-call.js';
import { reasonText } from './reasons.js';
import { RecentCalls } from './recent-calls.js';
import { Timeline } from './timeline.js';
import { useCalls, useConnection } from './use-calls.js';

interface Props {
  center: CommunicationCenter;
  onSignOut: () => void;
}

/** The phone: dial, ring, talk, and see what happened. */
export function Phone({ center, onSignOut }: Props) {
  const { active, last } = useCalls(center);
  const connection = useConnection(center);
  const [error, setError] = useState<string>();
  const [alert, setAlert] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  const onError = useCallback((problem: unknown) => setError(problem instanceof Error ? problem.message : String(problem)), []);
  const ringing = active.filter((call) => call.phase === 'ringing');
  const current = active.find((call) => call.phase !== 'ringing');
  useEffect(() => center.on('busyAlert', (call) => setAlert(`${call.state.initiator} called while you were busy`)), [center]);
  const dial = async (callees: string[], callType: CallType = 'audio_video') => {
    setError(undefined);
    setChosen(undefined);
    try {
      await center.call(callees, { callType });
    } catch (problem) {
      if (problem instanceof CenterError && problem.callId) setChosen(problem.callId);
      onError(problem);
    }
  };
  const shown = current ?? last;
  const timelineOf = chosen ?? shown?.callId;
  return (
    <Container size="lg" py="md">
      <Stack>
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={1} size="h3">
              {center.userAlias}
            </Title>
            <Badge color={connection === 'connected' ? 'teal' : 'orange'} variant="light">
              {connection}
            </Badge>
          </Group>
          <Button variant="default" size="compact-md" onClick={onSignOut}>
            Sign out
          </Button>
        </Group>
        {error && (
          <Alert color="red" role="alert" withCloseButton onClose={() => setError(undefined)}>
            {error}
          </Alert>
        )}
        {alert && (
          <Alert color="yellow" role="alert" withCloseButton onClose={() => setAlert(undefined)}>
            {alert}
          </Alert>
        )}
        {ringing[0] && (
          <IncomingCall
            key={ringing[0].ringId}
            center={center}
            call={ringing[0]}
            busy={Boolean(current) || ringing[0].waiting}
            onError={onError}
          />
        )}
        {current ? <CallPanel key={current.callId} center={center} call={current} onError={onError} /> : <Dialer onDial={dial} />}
        {!current && last && <LastCall call={last} onError={onError} />}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {timelineOf && (
            <Card withBorder component="section" aria-label="What happened">
              <Title order={2} size="h4" mb="sm">
                What happened
              </Title>
              <Timeline center={center} callId={timelineOf} sequence={shown?.callId === timelineOf ? shown.state.sequence : 0} />
            </Card>
          )}
          <RecentCalls
            center={center}
            version={`${last?.callId} ${current?.callId}`}
            ended={last?.callId}
            onDial={(userAlias) => void dial([userAlias])}
            onChoose={setChosen}
          />
        </SimpleGrid>
      </Stack>
    </Container>
  );
}

interface DialerProps {
  onDial: (callees: string[], callType: CallType) => Promise<void>;
}

function Dialer({ onDial }: DialerProps) {
  const [callees, setCallees] = useState('');
  const [callType, setCallType] = useState<CallType>('audio_video');
  const [busy, setBusy] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const named = callees
      .split(',')
      .map((userAlias) => userAlias.trim())
      .filter(Boolean);
    void onDial(named, callType).finally(() => setBusy(false));
  };
  return (
    <Card withBorder component="section" aria-label="Dial">
      <form onSubmit={submit}>
        <Group align="end">
          <TextInput
            label="Call"
            placeholder="alias, such as bob; several with commas"
            value={callees}
            onChange={(event) => setCallees(event.currentTarget.value)}
            flex={1}
            miw={200}
            required
            autoComplete="off"
            autoCapitalize="none"
          />
          <SegmentedControl
            aria-label="Kind of call"
            value={callType}
            onChange={(value) => setCallType(value as CallType)}
            data={[
              { value: 'audio_video', label: 'Video' },
              { value: 'audio_upgradable', label: 'Voice' },
            ]}
          />
          <Button type="submit" loading={busy} leftSection={<IconPhone size={18} />}>
            Call
          </Button>
        </Group>
      </form>
    </Card>
  );
}

/** Why the last call was over, on this side; the way back, while the others talk on. */
function LastCall({ call, onError }: { call: Call; onError: (error: unknown) => void }) {
  const others = call.others.map(({ userAlias }) => userAlias).join(', ');
  const goesOn = call.state.status === 'connected' && call.end?.reason !== 'answered_elsewhere';
  return (
    <Group>
      <Text role="status">
        Call with {others} ended: <strong>{call.end && reasonText(call.end)}</strong>
      </Text>
      {goesOn && (
        <Button variant="light" size="compact-md" onClick={() => void call.join().catch(onError)}>
          Join again
        </Button>
      )}
    </Group>
  );
}
