import { type MediaGrant, mediaCredentialKind, mediaGrantSchema } from '@communication-center/contracts/media-grant';
import { Identity, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';

/** What was granted, and by what its bearer was let in where it was. */
export type GivenGrant = MediaGrant & { token: NonNullable<MediaGrant['token']> };

/** Reads what the calls service signed for a device. Whether it still holds is for {@link Admission} to say. */
@Injectable()
export class MediaCredentials {
  constructor(private readonly identity: Identity) {}

  /** @throws ProblemError `unauthenticated`. */
  async verify(token: string): Promise<GivenGrant> {
    try {
      const { grant, iat = 0 } = await this.identity.verifyCredential(mediaCredentialKind, token);
      const parsed = mediaGrantSchema.parse(grant);
      // What a server asked for its user is as good as a token of that moment.
      return { ...parsed, token: parsed.token ?? { kid: '', issuedAt: iat } };
    } catch (cause) {
      throw new ProblemError('unauthenticated', 'token: it is wrong or expired; ask for new credentials', { cause });
    }
  }
}
