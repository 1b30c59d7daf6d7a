import { type Subject, subjectSchema } from '@communication-center/contracts';
import { type CryptoKey, createLocalJWKSet, importJWK, type JSONWebKeySet, type JWK, jwtVerify, SignJWT } from 'jose';
import { ProblemError } from './problem-error.js';

const lifetimeSeconds = 30;

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
    this.#signingKey ??= await importJWK(this.#privateJwk, 'EdDSA');
    return new SignJWT({ subject })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.#privateJwk.kid ?? this.#service })
      .setIssuer(this.#service)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${lifetimeSeconds}s`)
      .sign(this.#signingKey);
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
      const ownsKey = protectedHeader.kid === issuer || protectedHeader.kid?.startsWith(`${issuer}-`);
      const maySay = subject.kind === 'service' ? subject.service === issuer : issuer === 'gateway';
      if (!ownsKey || !maySay) throw new Error(`${issuer} may not speak for ${subject.kind}`);
      return subject;
    } catch (cause) {
      throw new ProblemError('unauthenticated', 'This door is for services of the Center: send a valid identity token', { cause });
    }
  }
}
