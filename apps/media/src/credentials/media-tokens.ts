import {
  type AppId,
  appIdSchema,
  type CallId,
  callIdSchema,
  type DeviceId,
  deviceIdSchema,
  type UserAlias,
  userAliasSchema,
} from '@communication-center/contracts';
import { ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { MediaSettings } from '../settings.js';

const grantSchema = z.object({
  appId: appIdSchema,
  callId: callIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema,
  generation: z.int(),
  sequence: z.int(),
});

/** What a media token lets its bearer do: join one call as one user on one device. */
export interface Grant {
  appId: AppId;
  callId: CallId;
  userAlias: UserAlias;
  deviceId: DeviceId;
  generation: number;
  /** How far the call was when the token was given: whoever leaves after that needs a new one. */
  sequence: number;
}

@Injectable()
export class MediaTokens {
  readonly #key: Uint8Array;

  constructor(@Inject(Settings) private readonly settings: MediaSettings) {
    this.#key = Buffer.from(settings.MEDIA_TOKEN_KEY, 'base64');
  }

  async mint(grant: Grant): Promise<{ token: string; expiresAt: string }> {
    const expiresAt = new Date(Date.now() + this.settings.MEDIA_TOKEN_SECONDS * 1000);
    const token = await new SignJWT({ grant })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience('media')
      .setExpirationTime(expiresAt)
      .sign(this.#key);
    return { token, expiresAt: expiresAt.toISOString() };
  }

  /** @throws ProblemError `unauthenticated`. */
  async verify(token: string): Promise<Grant> {
    try {
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ['HS256'], audience: 'media' });
      return grantSchema.parse(payload.grant);
    } catch (cause) {
      throw new ProblemError('unauthenticated', 'token: it is wrong or expired; ask for new credentials', { cause });
    }
  }
}
