import { type AppId, type UserAlias, type UserTokenView, userAliasSchema } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { AppSecretStore } from '../app-secrets/app-secret-store.js';

const algorithm = 'HS256';

/** Makes and checks user tokens: JWTs (RFC 7519) signed with a secret of the app, named by `kid`, `sub` the alias. */
@Injectable()
export class UserTokens {
  constructor(private readonly secrets: AppSecretStore) {}

  async mint(appId: AppId, userAlias: UserAlias, expiresInSeconds: number): Promise<UserTokenView> {
    const { kid, secret } = await this.secrets.newest(appId);
    const expiresAt = new Date(Date.now() + expiresInSeconds * 1000);
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
      .setSubject(userAlias)
      .setIssuedAt()
      .setExpirationTime(expiresAt)
      .sign(secret);
    return { token, expiresAt: expiresAt.toISOString() };
  }

  /**
   * @returns whose token this is.
   * @throws ProblemError `unauthenticated` that says what is wrong with it.
   */
  async verify(token: string): Promise<{ appId: AppId; userAlias: UserAlias }> {
    const kid = kidOf(token);
    const secret = kid && (await this.secrets.byKid(kid));
    if (!secret)
      throw new ProblemError('unauthenticated', "token: its kid names no secret of any app; sign it with one of the app's secrets");
    const verified = await jwtVerify(token, secret.secret, {
      algorithms: [algorithm],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: 5,
    }).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : 'it cannot be read';
      throw new ProblemError('unauthenticated', `token: ${why}`, { cause });
    });
    const userAlias = userAliasSchema.safeParse(verified.payload.sub);
    if (!userAlias.success) throw new ProblemError('unauthenticated', 'token: sub is no user alias');
    return { appId: secret.appId, userAlias: userAlias.data };
  }
}

function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}
