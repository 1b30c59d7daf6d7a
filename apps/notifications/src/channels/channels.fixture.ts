import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId, PushedRing, PushTarget } from '@communication-center/contracts';
import { standInCertificate } from '@communication-center/testing';
import type { KeptCredential } from '../credentials/credential-store.js';
import type { PushCredential } from '../domain/credential-facts.js';
import type { NotificationsSettings } from '../settings.js';
import type { Push } from './push-channel.js';

export const certificate = standInCertificate(mkdtempSync(join(tmpdir(), 'push-')));

export const settings = (more: Partial<NotificationsSettings>) =>
  ({
    PUSH_CA_FILE: certificate.file,
    PUSH_TIMEOUT_MS: 1500,
    PUSH_CONCURRENCY: 64,
    PROFILE: 'development',
    ALLOW_PRIVATE_ADDRESSES: true,
    OUTSIDE_ALLOWED: [],
    OUTSIDE_PORTS: [443],
    ...more,
  }) as NotificationsSettings;

export const silentLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined } as never;

export const kept = (credential: PushCredential, version = '1'): KeptCredential => ({ appId: 'demo' as AppId, version, credential });

export const ring = (seconds = 30): PushedRing =>
  ({
    type: 'ring',
    appId: 'demo',
    callId: '01a212f5-72f3-745f-9835-9b692595a83a',
    userAlias: 'bob',
    caller: 'alice',
    callerName: 'Alice',
    callType: 'audio_video',
    waiting: false,
    sentAt: new Date().toISOString(),
    deadline: new Date(Date.now() + seconds * 1000).toISOString(),
  }) as PushedRing;

export const pushOf = (credential: KeptCredential, target: PushTarget, told: Push['told'] = ring()): Push => ({
  credential,
  target,
  told,
  until: told.type === 'ring' ? Date.parse(told.deadline) : Date.now() + 10_000,
});
