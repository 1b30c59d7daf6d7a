import type { Call, CommunicationCenter } from '@communication-center/client';
import { ActionIcon, Badge, Button, Card, Group, Stack, Title, Tooltip } from '@mantine/core';
import { useEffect, useReducer, useState } from 'react';
import { IconMicrophone, IconMicrophoneOff, IconPhoneOff, IconVideo, IconVideoOff } from '../icons.js';
import { People } from './people.js';
import { StreamView } from './stream-view.js';
import { UpgradeWish } from './upgrade-wish.js';
import { useNames } from './use-names.js';

interface Props {
  center: CommunicationCenter;
  call: Call;
  onError: (error: unknown) => void;
}

/** The call this device is in: who, how far it is, their pictures, and the way out. */
export function CallPanel({ center, call, onError }: Props) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [sending, setSending] = useState({ audio: true, video: true });
  const nameOf = useNames(
    center,
    call.others.map(({ userAlias }) => userAlias),
  );
  useEffect(() => {
    const offs = [
      call.on('localStream', redraw),
      call.on('streamAdded', redraw),
      call.on('streamRemoved', redraw),
      call.on('mediaError', onError),
    ];
    return () => {
      for (const off of offs) off();
    };
  }, [call, onError]);
  const toggle = (kind: 'audio' | 'video') => {
    call.setSending(kind, !sending[kind]);
    setSending({ ...sending, [kind]: !sending[kind] });
  };
  return (
    <Card withBorder component="section" aria-label="Current call">
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h3">
            {call.others.map(({ userAlias }) => nameOf(userAlias)).join(', ')}
          </Title>
          <Badge size="lg" color={call.phase === 'connected' ? 'teal' : 'yellow'} role="status">
            {phaseText(call)}
          </Badge>
        </Group>
        <UpgradeWish call={call} nameOf={nameOf} onError={onError} />
        <People call={call} mayKick={call.state.initiator === center.userAlias} nameOf={nameOf} onError={onError} />
        <Group align="stretch">
          {call.streams.map(({ streamId, userAlias, mediaStream }) => (
            <StreamView key={streamId} stream={mediaStream} label={nameOf(userAlias)} />
          ))}
          <StreamView stream={call.localStream} label="You" own />
        </Group>
        <Group justify="center">
          <Switch
            label="Microphone"
            on={sending.audio}
            onIcon={<IconMicrophone />}
            offIcon={<IconMicrophoneOff />}
            onClick={() => toggle('audio')}
          />
          {call.callType === 'audio_video' && (
            <Switch label="Camera" on={sending.video} onIcon={<IconVideo />} offIcon={<IconVideoOff />} onClick={() => toggle('video')} />
          )}
          {call.callType === 'audio_upgradable' && call.phase === 'connected' && !call.state.upgrade && (
            <Button
              size="md"
              variant="light"
              leftSection={<IconVideo size={18} />}
              onClick={() => void call.requestUpgrade().catch(onError)}
            >
              Ask for video
            </Button>
          )}
          <Button color="red" size="md" leftSection={<IconPhoneOff size={18} />} onClick={() => void call.hangUp().catch(onError)}>
            {call.phase === 'connected' ? 'Hang up' : 'Cancel'}
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}

function phaseText(call: Call): string {
  if (call.phase === 'connected') return 'Connected';
  const rings = call.others.some((other) => other.state === 'ringing' && other.confirmed);
  return rings ? 'Ringing' : 'Calling';
}

interface SwitchProps {
  label: string;
  on: boolean;
  onIcon: React.ReactNode;
  offIcon: React.ReactNode;
  onClick: () => void;
}

function Switch({ label, on, onIcon, offIcon, onClick }: SwitchProps) {
  return (
    <Tooltip label={`${label} ${on ? 'on' : 'off'}`}>
      <ActionIcon
        size="xl"
        variant={on ? 'light' : 'filled'}
        color={on ? 'teal' : 'gray'}
        aria-label={label}
        aria-pressed={on}
        onClick={onClick}
      >
        {on ? onIcon : offIcon}
      </ActionIcon>
    </Tooltip>
  );
}
