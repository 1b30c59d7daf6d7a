import type { AppId, UserAlias } from '@communication-center/contracts';
import type { Package, ToldDialog } from '../domain/documents.js';
import type { Peer } from '../messages/sip-message.js';

/** A phone's wish to be told of one user, and the dialog it is told in (RFC 6665 §4). */
export interface Subscription {
  /** Our tag: names the subscription here. */
  localTag: string;
  appId: AppId;
  /** The account by which the phone subscribed; null where an older release did not note it. */
  username: string | null;
  userAlias: UserAlias;
  package: Package;
  callId: string;
  remoteTag: string;
  localUri: string;
  remoteUri: string;
  remoteTarget: string;
  peer: Peer;
  remoteCseq: number;
  localCseq: number;
  /** Of the documents sent (RFC 4235 §4.1). */
  version: number;
  /** The dialogs of the last document. */
  told: readonly ToldDialog[];
  expiresAt: number;
}
