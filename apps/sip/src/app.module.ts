import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { DigestAuthenticator } from './authenticate/digest-authenticator.js';
import { SubscriptionStore } from './subscriptions/subscription-store.js';
import { Subscriptions } from './subscriptions/subscriptions.js';

/** Left by replicas that never came back. */
const oldRows = () => [{ table: 'subscriptions', by: 'expires_at', keepSeconds: 3600 }];

@Module({ providers: [DigestAuthenticator, SubscriptionStore, Subscriptions, purgeRows(oldRows)] })
export class AppModule {}
