import { type AppId, type HeldToken, type UserAlias, type UserTokenView, userAliasSchema } from '@communication-center/contracts';
import { ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { AppSecretStore } from '../app-secrets/app-secret-store.js';
import type { DirectorySettings } from '../settings.js';

const algorithm = 'HS256';
/** So far the clock of whoever signs a token may be from this one, in seconds. */
const clockTolerance = 5;

/** Whose a token is, and which. */
interface TokenHolder {
  appId: AppId;
  userAlias: UserAlias;
  token: HeldToken;
}

/** Makes and checks user tokens: JWTs (RFC 7519) signed with a secret of the app, named by `kid`, `sub` the alias. */
@Injectable()
export class UserTokens {
  constructor(
    private readonly secrets: AppSecretStore,
    @Inject(Settings) private readonly settings: Pick<DirectorySettings, 'MAX_TOKEN_SECONDS'>,
  ) {}

  /** @param tokensEnded the second up to which the user's tokens have ended: this one is issued after it. */
  async mint(appId: AppId, userAlias: UserAlias, expiresInSeconds: number, tokensEnded: number | null = null): Promise<UserTokenView> {
    const { kid, secret } = await this.secrets.newest(appId);
    const issuedAt = Math.max(Math.floor(Date.now() / 1000), (tokensEnded ?? 0) + 1);
    const expiresAt = new Date((issuedAt + expiresInSeconds) * 1000);
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
      .setSubject(userAlias)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(secret);
    return { token, expiresAt: expiresAt.toISOString() };
  }

  /**
   * @returns whose token this is.
   * @throws ProblemError `unauthenticated` that says what is wrong with it.
   */
  async verify(token: string): Promise<TokenHolder> {
    const kid = kidOf(token);
    const secret = kid && (await this.secrets.byKid(kid));
    if (!secret)
      throw new ProblemError('unauthenticated', "token: its kid names no secret of any app; sign it with one of the app's secrets");
    const verified = await jwtVerify(token, secret.secret, {
      algorithms: [algorithm],
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance,
    }).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : 'it cannot be read';
      throw new ProblemError('unauthenticated', `token: ${why}`, { cause });
    });
    const userAlias = userAliasSchema.safeParse(verified.payload.sub);
    if (!userAlias.success) throw new ProblemError('unauthenticated', 'token: sub is no user alias');
    const held = this.#held(secret.kid, verified.payload);
    return { appId: secret.appId, userAlias: userAlias.data, token: held };
  }

  /** @returns the app whose secret a token names, be it signed with it or not; undefined for none. */
  async appOf(token: string): Promise<AppId | undefined> {
    const kid = kidOf(token);
    return kid === undefined ? undefined : (await this.secrets.byKid(kid))?.appId;
  }

  /** @throws ProblemError `unauthenticated` for a token of the future, or of too long a life. */
  #held(kid: string, { iat, exp }: JWTPayload): HeldToken {
    const [issuedAt, expiresAt] = [Math.floor(iat ?? 0), Math.floor(exp ?? 0)];
    if (issuedAt > Date.now() / 1000 + clockTolerance)
      throw new ProblemError(
        'unauthenticated',
        `token: iat is more than ${clockTolerance} seconds ahead; set the clock of whoever signs it`,
      );
    const most = this.settings.MAX_TOKEN_SECONDS;
    if (expiresAt - issuedAt > most)
      throw new ProblemError(
        'unauthenticated',
        `token: from iat to exp it lasts longer than ${most} seconds, the most that is allowed here`,
      );
    return { kid, issuedAt, expiresAt };
  }
}

function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}
