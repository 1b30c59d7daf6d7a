import type { Call } from '@communication-center/client';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { IconBellRinging, IconUserMinus, IconUserPlus } from '../icons.js';
import { readable } from '../text-of.js';
import { reasonText } from './reasons.js';

interface Props {
  call: Call;
  mayKick: boolean;
  nameOf: (userAlias: string) => string;
  onError: (error: unknown) => void;
}

/** Who is in the call, who rings and who is out; and a way to ring more people. */
export function People({ call, mayKick, nameOf, onError }: Props) {
  const inCall = call.phase === 'connected' || call.direction === 'outgoing';
  return (
    <Stack gap="xs" component="section" aria-label="People">
      {call.others.map((other) => (
        <Group key={other.userAlias} justify="space-between">
          <Text size="sm" c={other.state === 'gone' ? 'dimmed' : undefined}>
            {nameOf(other.userAlias)}: {stateText(other)}
          </Text>
          <Group gap="xs">
            {other.state === 'gone' && inCall && (
              <Button
                variant="subtle"
                size="compact-sm"
                leftSection={<IconBellRinging size={16} />}
                onClick={() => void call.ring([other.userAlias]).catch(onError)}
              >
                Ring again
              </Button>
            )}
            {other.state !== 'gone' && mayKick && call.others.length > 1 && (
              <Button
                variant="subtle"
                color="red"
                size="compact-sm"
                leftSection={<IconUserMinus size={16} />}
                onClick={() => void call.kick(other.userAlias).catch(onError)}
              >
                Remove
              </Button>
            )}
          </Group>
        </Group>
      ))}
      {inCall && <AddPerson call={call} onError={onError} />}
    </Stack>
  );
}

function stateText(other: Call['others'][number]): string {
  if (other.state === 'connected') return 'In the call';
  if (other.state === 'gone') return reasonText(other);
  if (other.state === 'unknown') return readable(other.named);
  if (other.waiting) return 'In another call, and told of this one';
  return other.confirmed ? 'Ringing' : 'Calling';
}

function AddPerson({ call, onError }: Pick<Props, 'call' | 'onError'>) {
  const [userAlias, setUserAlias] = useState('');
  const add = (event: FormEvent) => {
    event.preventDefault();
    void call
      .add([userAlias])
      .then(() => setUserAlias(''))
      .catch(onError);
  };
  return (
    <form onSubmit={add}>
      <Group wrap="nowrap">
        <TextInput
          size="xs"
          aria-label="Add a person"
          placeholder="add somebody, such as carol"
          value={userAlias}
          onChange={(event) => setUserAlias(event.currentTarget.value)}
          flex={1}
          required
          autoComplete="off"
          autoCapitalize="none"
        />
        <Button type="submit" size="xs" variant="light" leftSection={<IconUserPlus size={16} />}>
          Add
        </Button>
      </Group>
    </form>
  );
}
