import type { Call } from '@communication-center/client';
import { Alert, Button, Group, Text } from '@mantine/core';

interface Props {
  call: Call;
  nameOf: (userAlias: string) => string;
  onError: (error: unknown) => void;
}

/** A wish for video that waits: one's own to take back, somebody else's to consent to. Cameras stay off until then. */
export function UpgradeWish({ call, nameOf, onError }: Props) {
  if (!call.state.upgrade) return null;
  const by = call.upgradeRequestedBy;
  const refuse = () => void call.refuseUpgrade().catch(onError);
  return (
    <Alert color="blue" role="alert">
      <Group justify="space-between">
        <Text>{by ? `${nameOf(by)} asks for video` : 'Waiting for consent to video'}</Text>
        <Group gap="xs">
          {by && (
            <Button size="compact-md" onClick={() => void call.acceptUpgrade().catch(onError)}>
              Turn video on
            </Button>
          )}
          <Button size="compact-md" variant="default" onClick={refuse}>
            {by ? 'No' : 'Take it back'}
          </Button>
        </Group>
      </Group>
    </Alert>
  );
}
