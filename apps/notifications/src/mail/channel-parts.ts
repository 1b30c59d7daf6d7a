import type { ChannelCredentialBody, ChannelCredentialView } from '@communication-center/contracts';
import { z } from 'zod';

type WithoutTime<V> = V extends unknown ? Omit<V, 'savedAt'> : never;
/** What may be told of credentials, and is kept as it is. */
export type ChannelFacts = WithoutTime<ChannelCredentialView>;

/** What is sealed of them. */
export const channelSecretSchema = z.object({ password: z.string().optional(), dkimKey: z.string().optional() });
export type ChannelSecret = z.infer<typeof channelSecretSchema>;

/** @returns of credentials what is no secret, and the secret apart. */
export function partsOfChannel(body: ChannelCredentialBody): { facts: ChannelFacts; secret: ChannelSecret } {
  switch (body.provider) {
    case 'smtp': {
      const { password, dkim, ...open } = body;
      return {
        facts: { ...open, ...(dkim && { dkimDomain: dkim.domain, dkimSelector: dkim.selector }) },
        secret: { password, dkimKey: dkim?.privateKey },
      };
    }
    case 'smpp': {
      const { password, ...facts } = body;
      return { facts, secret: { password } };
    }
    case 'twilio': {
      const { authToken, ...facts } = body;
      return { facts, secret: { password: authToken } };
    }
    default:
      return body satisfies never;
  }
}
