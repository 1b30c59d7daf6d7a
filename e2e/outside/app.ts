/*
 * What an integrator writes. It is compiled and run outside the workspace, in an empty project with the SDK's tarball: nothing
 * but the packed SDK can be imported here.
 */
import { type ClientSocketClass, CommunicationCenter, type ConnectOptions, type ToldEndReason } from '@communication-center/client';

export interface Wanted {
  connect: Pick<ConnectOptions, 'url' | 'appId' | 'userAlias'> & { token?: string };
  callee: string;
  webSocket?: ClientSocketClass;
}

export interface Went {
  connected: boolean;
  reason: ToldEndReason | undefined;
  /** How the history of the caller has it, by REST. */
  outcome: string | null | undefined;
}

/** Calls somebody who answers, hangs up once connected, and looks the call up. */
export async function callOnce({ connect, callee, webSocket }: Wanted): Promise<Went> {
  const center = await CommunicationCenter.connect({ ...connect, media: false, ...(webSocket && { webSocket }) });
  try {
    const call = await center.call([callee], { callType: 'audio_only' });
    let connected = false;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (call.phase === 'ended') resolve();
        if (call.phase !== 'connected' || connected) return;
        connected = true;
        call.hangUp().catch(reject);
      };
      call.on('changed', look);
      // Who answers at once may have done so before the dial was told to have succeeded.
      look();
    });
    return { connected, reason: call.end?.reason, outcome: await outcomeOf(center, call.callId, connect.userAlias) };
  } finally {
    center.close();
  }
}

/** The history follows the log: a call that has just ended may still be open in it. */
async function outcomeOf(center: CommunicationCenter, callId: string, userAlias: string): Promise<string | null | undefined> {
  for (let looks = 1; ; looks += 1) {
    const recorded = (await center.history()).calls.find((call) => call.callId === callId);
    const outcome = recorded?.parts.find((part) => part.userAlias === userAlias)?.outcome;
    if (outcome || looks === 50) return outcome;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
