import { type Subject, subjectSchema } from '@communication-center/contracts';
import { type CryptoKey, createLocalJWKSet, importJWK, type JSONWebKeySet, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { ProblemError } from './problem-error.js';

const lifetimeSeconds = 30;

/**
 * What a service signs besides identity tokens, for others to verify without asking it. Its `typ` and `audience`, which is no
 * service's name, tell it from identity tokens and from every other kind (RFC 8725).
 */
export interface CredentialKind {
  typ: string;
  /** The one service that gives such credentials. */
  issuer: string;
  audience: string;
}

/**
 * Says and checks in whose name one service calls another: an EdDSA JWT (RFC 7519, RFC 8037) of at most 30 s, meant for
 * one service. Only the gateway may speak for users, keys and the operator; any service may speak for itself.
 */
export class Identity {
  readonly #service: string;
  readonly #privateJwk: JWK;
  readonly #keys: ReturnType<typeof createLocalJWKSet>;
  #signingKey: CryptoKey | Uint8Array | undefined;

  constructor(service: string, privateJwk: Record<string, unknown>, jwks: { keys: Record<string, unknown>[] }) {
    this.#service = service;
    this.#privateJwk = privateJwk as unknown as JWK;
    this.#keys = createLocalJWKSet(jwks as unknown as JSONWebKeySet);
  }

  /** @returns a token that lets `audience` act for `subject`; for this service itself when none is given. */
  async sign(audience: string, subject: Subject = { kind: 'service', service: this.#service }): Promise<string> {
    return this.#signed(new SignJWT({ subject }).setAudience(audience).setExpirationTime(`${lifetimeSeconds}s`));
  }

  /** @returns a credential of that kind that says `claims` until it expires. Only its issuer's are believed. */
  async signCredential({ typ, audience }: CredentialKind, claims: JWTPayload, expiresAt: Date): Promise<string> {
    return this.#signed(new SignJWT(claims).setAudience(audience).setExpirationTime(expiresAt), { typ });
  }

  /**
   * @returns what a credential of that kind says.
   * @throws an error of jose's or another for one that is expired, of another kind, or not its signer's to give.
   */
  async verifyCredential({ typ, issuer, audience }: CredentialKind, token: string): Promise<JWTPayload> {
    const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
      algorithms: ['EdDSA'],
      typ,
      issuer,
      audience,
      requiredClaims: ['exp'],
    });
    if (!ownsKey(issuer, protectedHeader.kid)) throw new Error(`${protectedHeader.kid} is no key of ${issuer}`);
    return payload;
  }

  /**
   * @returns for whom the bearer acts.
   * @throws ProblemError `unauthenticated` for a token that is missing, stale, for another service or not its signer's to give.
   */
  async verify(authorization: string | undefined): Promise<Subject> {
    const token = authorization?.startsWith('Bearer ') ? authorization.slice(7) : '';
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
        algorithms: ['EdDSA'],
        audience: this.#service,
        clockTolerance: 5,
        maxTokenAge: lifetimeSeconds,
      });
      const subject = subjectSchema.parse(payload.subject);
      const issuer = payload.iss ?? '';
      const maySay = subject.kind === 'service' ? subject.service === issuer : issuer === 'gateway';
      if (!ownsKey(issuer, protectedHeader.kid) || !maySay) throw new Error(`${issuer} may not speak for ${subject.kind}`);
      if (protectedHeader.typ !== undefined) throw new Error(`A ${protectedHeader.typ} is no identity token`);
      return subject;
    } catch (cause) {
      throw new ProblemError('unauthenticated', 'This door is for services of the Center: send a valid identity token', { cause });
    }
  }

  async #signed(token: SignJWT, header: { typ?: string } = {}): Promise<string> {
    this.#signingKey ??= await importJWK(this.#privateJwk, 'EdDSA');
    return token
      .setProtectedHeader({ alg: 'EdDSA', kid: this.#privateJwk.kid ?? this.#service, ...header })
      .setIssuer(this.#service)
      .setIssuedAt()
      .sign(this.#signingKey);
  }
}

/** Whether a key is one of a service's: named for it, or for it and a mark. */
function ownsKey(service: string, kid: string | undefined): boolean {
  return kid === service || kid?.startsWith(`${service}-`) === true;
}
