import type { PushCredentialBody, PushCredentialView, PushProvider } from '@communication-center/contracts';

/** With what an app pushes through Apple. */
interface ApnsCredential {
  provider: 'apns';
  key: string;
  keyId: string;
  teamId: string;
  bundleId: string;
}

/** Through Firebase. Of its file no address is kept: where Google answers is not the app's to say. */
export interface FcmCredential {
  provider: 'fcm';
  projectId: string;
  clientEmail: string;
  privateKey: string;
}

/** Through the push services of browsers. */
interface WebPushCredential {
  provider: 'web_push';
  subject: string;
  publicKey: string;
  privateKey: string;
}

export type PushCredential = ApnsCredential | FcmCredential | WebPushCredential;

/** What may be told of credentials, and is kept as it is. */
export type CredentialFacts = Omit<PushCredentialView, 'provider' | 'savedAt' | 'fault'>;

/**
 * @param pair of Web Push, where the body brings none.
 * @returns credentials as they are kept.
 */
export function credentialOf(body: PushCredentialBody, pair: () => { publicKey: string; privateKey: string }): PushCredential {
  switch (body.provider) {
    case 'apns':
      return { ...body };
    case 'fcm': {
      const { project_id, client_email, private_key } = body.serviceAccount;
      return { provider: 'fcm', projectId: project_id, clientEmail: client_email, privateKey: private_key };
    }
    case 'web_push': {
      const { publicKey, privateKey } = body.keys ?? pair();
      return { provider: 'web_push', subject: body.subject, publicKey, privateKey };
    }
    default:
      return body satisfies never;
  }
}

/** @returns of credentials what is no secret, and the secret apart. */
export function partsOf(credential: PushCredential): { facts: CredentialFacts; secret: string } {
  switch (credential.provider) {
    case 'apns': {
      const { key, keyId, teamId, bundleId } = credential;
      return { facts: { keyId, teamId, bundleId }, secret: key };
    }
    case 'fcm': {
      const { projectId, clientEmail, privateKey } = credential;
      return { facts: { projectId, clientEmail }, secret: privateKey };
    }
    case 'web_push': {
      const { subject, publicKey, privateKey } = credential;
      return { facts: { subject, publicKey }, secret: privateKey };
    }
    default:
      return credential satisfies never;
  }
}

/** @returns credentials of their parts, as {@link partsOf} made them. */
export function ofParts(provider: PushProvider, facts: CredentialFacts, secret: string): PushCredential {
  const { keyId = '', teamId = '', bundleId = '', projectId = '', clientEmail = '', subject = '', publicKey = '' } = facts;
  switch (provider) {
    case 'apns':
      return { provider, key: secret, keyId, teamId, bundleId };
    case 'fcm':
      return { provider, projectId, clientEmail, privateKey: secret };
    case 'web_push':
      return { provider, subject, publicKey, privateKey: secret };
    default:
      return provider satisfies never;
  }
}
