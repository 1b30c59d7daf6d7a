import type { EndpointAuthentication } from '@communication-center/contracts';
import { type SigningSecret, signatureOf } from './signing-secrets.js';
import { toldBody, type Wording } from './told-body.js';

/** What a request to an endpoint is made of, beside the message. */
export interface Recipient extends Wording {
  /** The newest first. */
  secrets: readonly SigningSecret[];
  /** Of the endpoint's own, sent with each request. */
  headers: Readonly<Record<string, string>>;
  authentication: EndpointAuthentication;
}

export interface Message {
  /** The same in every attempt. */
  id: string;
  /** As Standard Webhooks has it, in the newest payload version. */
  body: string;
}

export interface SignedRequest {
  headers: Record<string, string>;
  body: string;
}

/**
 * Makes the headers and the body of one attempt to deliver a message. Pure.
 * @param at when it is sent, in milliseconds since 1970: what is signed says so, and secrets that have ended by then sign no more.
 */
export function signedRequest(recipient: Recipient, message: Message, at: number): SignedRequest {
  const { body, contentType } = toldBody(message.id, message.body, recipient);
  const seconds = Math.floor(at / 1000);
  const content = `${message.id}.${seconds}.${body}`;
  const signing = recipient.secrets.filter(({ until }) => until === null || until > at);
  const authorization = authorizationOf(recipient.authentication);
  return {
    headers: {
      ...recipient.headers,
      ...(authorization && { authorization }),
      'content-type': contentType,
      'user-agent': 'communication-center-webhooks/1',
      'webhook-id': message.id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signing.map((secret) => signatureOf(secret, content)).join(' '),
    },
    body,
  };
}

function authorizationOf(authentication: EndpointAuthentication): string | undefined {
  switch (authentication?.type) {
    case undefined:
      return undefined;
    case 'bearer':
      return `Bearer ${authentication.token}`;
    case 'basic':
      return `Basic ${Buffer.from(`${authentication.username}:${authentication.password}`).toString('base64')}`;
    default:
      return authentication satisfies never;
  }
}
