import type { Call } from '@communication-center/client';
import type { Notices } from '../calls/use-notices.js';

/** Shares a screen in a call, or none any more; tells why that cannot be, unless the user has chosen none. */
export async function shareOrStop(call: Call, notices: Pick<Notices, 'tell' | 'forget'>): Promise<void> {
  if (call.screen) return call.stopScreen();
  try {
    await call.shareScreen();
    notices.forget('act');
  } catch (error) {
    if (error instanceof Error && error.name === 'NotAllowedError') return;
    notices.tell({ about: 'act', tone: 'bad', say: () => 'Your screen could not be shared' });
  }
}
