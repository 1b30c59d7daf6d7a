import { type MediaGrant, mediaCredentialKind, mediaGrantSchema } from '@communication-center/contracts/media-grant';
import { Identity, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';

/** Reads what the calls service signed for a device. Whether it still holds is for {@link Admission} to say. */
@Injectable()
export class MediaCredentials {
  constructor(private readonly identity: Identity) {}

  /** @throws ProblemError `unauthenticated`. */
  async verify(token: string): Promise<MediaGrant> {
    try {
      const { grant } = await this.identity.verifyCredential(mediaCredentialKind, token);
      return mediaGrantSchema.parse(grant);
    } catch (cause) {
      throw new ProblemError('unauthenticated', 'token: it is wrong or expired; ask for new credentials', { cause });
    }
  }
}
