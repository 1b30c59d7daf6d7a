import type { PushedMessage, PushedRing, PushedStop, PushTarget } from '@communication-center/contracts';
import type { KeptCredential } from '../credentials/credential-store.js';
import type { PushOutcome } from '../domain/push-outcome.js';

/** One push to one device. */
export interface Push {
  credential: KeptCredential;
  target: PushTarget;
  told: PushedRing | PushedStop | PushedMessage;
  /** Until when it is of use, in milliseconds since 1970: no request begins later. */
  until: number;
}

/** What hands pushes to one provider. Its client library is loaded when the first push is sent through it. */
export interface PushChannel {
  /** Never throws: what goes wrong is an outcome. */
  send(push: Push): Promise<PushOutcome>;
  /** Asks the provider whether it takes these credentials, without telling any device anything. */
  verify(credential: KeptCredential): Promise<PushOutcome>;
  close(): Promise<void>;
}

/** @returns in one line what went wrong, without more of it than a line of a log may have. */
export function faultOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 300);
}
