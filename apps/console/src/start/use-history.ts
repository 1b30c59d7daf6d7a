import type { Call, CommunicationCenter, Told } from '@communication-center/client';
import type { CallList } from '@communication-center/contracts';
import { useEffect, useState } from 'react';

export type ListedCall = Told<CallList>['calls'][number];

/** The history tells of an end up to a second later than the call's own devices hear of it: it is read so often until it does. */
const again = { everyMs: 1000, times: 10 };

/** @returns the user's last calls, once they are known; read anew once another one has ended. What cannot be read now is read with the next one. */
export function useHistory(center: CommunicationCenter, ended: Call | undefined): readonly ListedCall[] | undefined {
  const [calls, setCalls] = useState<readonly ListedCall[]>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isWanted = true;
    const read = async (times: number) => {
      const list = await center.history({ limit: 20 }).catch(() => undefined);
      if (!isWanted) return;
      if (list) setCalls(list.calls);
      const hasIt = ended === undefined || list?.calls.some(({ callId, status }) => callId === ended.callId && status === 'ended');
      if (!hasIt && times < again.times) timer = setTimeout(() => void read(times + 1), again.everyMs);
    };
    void read(1);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [center, ended]);
  return calls;
}
