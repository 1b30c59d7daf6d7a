import type { Call, CommunicationCenter } from '@communication-center/client';
import { Avatar, Button, Group, Menu, Modal, Stack, Text, Title } from '@mantine/core';
import { useEffect } from 'react';
import { IconBellOff, IconChevronDown, IconPhone, IconPhoneOff } from '../icons.js';
import { startRingTone } from './ring-tone.js';
import { useNames } from './use-names.js';

interface Props {
  center: CommunicationCenter;
  call: Call;
  /** Whether the user is in another call on this device or another. */
  busy: boolean;
  onError: (error: unknown) => void;
}

/** Rings, says who calls, and offers what one can do about it. */
export function IncomingCall({ center, call, busy, onError }: Props) {
  const { initiator } = call.state;
  const nameOf = useNames(center, [initiator]);
  useEffect(startRingTone, []);
  return (
    <Modal
      opened
      onClose={() => void call.ignore().catch(onError)}
      withCloseButton={false}
      centered
      title={busy ? 'Another call is waiting' : 'Incoming call'}
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack align="center">
        <Avatar size="xl" name={nameOf(initiator)} color="initials" />
        <Title order={2} size="h3">
          {nameOf(initiator)}
        </Title>
        <Text c="dimmed">{call.state.callType === 'audio_video' ? 'wants to talk with video' : 'wants to talk'}</Text>
        <Group justify="center">
          <Button
            data-autofocus
            size="md"
            color="teal"
            leftSection={<IconPhone size={18} />}
            onClick={() => void call.answer({ hangUpOther: busy }).catch(onError)}
          >
            {busy ? 'Hang up and answer' : 'Answer'}
          </Button>
          <Button.Group>
            <Button size="md" color="red" leftSection={<IconPhoneOff size={18} />} onClick={() => void call.decline().catch(onError)}>
              Decline
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button size="md" color="red" px="xs" aria-label="Decline with a reason">
                  <IconChevronDown size={18} />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => void call.decline({ reason: 'busy' }).catch(onError)}>I am busy</Menu.Item>
                <Menu.Item onClick={() => void call.decline({ reason: 'do_not_disturb' }).catch(onError)}>Do not disturb</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Button.Group>
          <Button size="md" variant="default" leftSection={<IconBellOff size={18} />} onClick={() => void call.ignore().catch(onError)}>
            Ignore here
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
