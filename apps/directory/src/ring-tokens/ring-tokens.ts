import type { RingSubject } from '@communication-center/contracts';
import { ringGrantSchema, ringTokenKind } from '@communication-center/contracts/ring-token';
import { Identity, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader } from 'jose';

/** By which ends are told of them: no secret of an app has this name. */
const kid = 'ring-token';

/** @returns whether a credential calls itself a ring token. */
export function isRingToken(credential: string): boolean {
  try {
    return decodeProtectedHeader(credential).typ === ringTokenKind.typ;
  } catch {
    return false;
  }
}

/** Checks ring tokens, which the notifications service puts into pushes. */
@Injectable()
export class RingTokens {
  constructor(private readonly identity: Identity) {}

  /**
   * @returns whose ring it lets take part in. It counts as issued when the device registered: where the user's tokens were ended since,
   * it is one of those.
   * @throws ProblemError `unauthenticated` that says what is wrong with it: above all that its ring is over.
   */
  async verify(token: string): Promise<RingSubject> {
    const claims = await this.identity.verifyCredential(ringTokenKind, token).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : 'it cannot be read';
      throw new ProblemError('unauthenticated', `token: ${why}`, { cause });
    });
    const grant = ringGrantSchema.safeParse(claims.ring);
    if (!grant.success) throw new ProblemError('unauthenticated', 'token: it names no ring', { cause: grant.error });
    const { registeredAt, ...ring } = grant.data;
    return { kind: 'ring', ...ring, token: { kid, issuedAt: registeredAt, expiresAt: claims.exp ?? 0 } };
  }
}
