import { purgeRows } from '@communication-center/service';
import { fairShare } from '@communication-center/service/fair-share';
import { Module } from '@nestjs/common';
import { DigestAuthenticator } from './authenticate/digest-authenticator.js';
import { NonceCounts } from './authenticate/nonce-counts.js';
import { oldRows } from './old-rows.js';
import { SubscriptionStore } from './subscriptions/subscription-store.js';
import { Subscriptions } from './subscriptions/subscriptions.js';

@Module({ providers: [fairShare, NonceCounts, DigestAuthenticator, SubscriptionStore, Subscriptions, purgeRows(oldRows)] })
export class AppModule {}
