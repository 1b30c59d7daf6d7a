import { purgeRows } from '@communication-center/service';
import { fairShare } from '@communication-center/service/fair-share';
import { Module } from '@nestjs/common';
import { DigestAuthenticator } from './authenticate/digest-authenticator.js';
import { NonceCounts } from './authenticate/nonce-counts.js';
import type { SipSettings } from './settings.js';
import { SubscriptionStore } from './subscriptions/subscription-store.js';
import { Subscriptions } from './subscriptions/subscriptions.js';

/** Left by replicas that never came back. */
const oldSubscriptions = { table: 'subscriptions', by: 'expires_at', keepSeconds: 3600 };
/** A nonce is refused by its age when its counts are not known any more. */
const oldRows = ({ NONCE_SECONDS }: SipSettings) => [
  oldSubscriptions,
  { table: 'nonce_counts', by: 'used_at', keepSeconds: NONCE_SECONDS + 300 },
];

@Module({ providers: [fairShare, NonceCounts, DigestAuthenticator, SubscriptionStore, Subscriptions, purgeRows(oldRows)] })
export class AppModule {}
