import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { type Subject, subjectSchema } from '@communication-center/contracts';
import { services } from '@communication-center/contracts/services';
import { InfrastructureError } from '@communication-center/event-log';
import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { ProblemError } from './problem-error.js';

const registered: ReadonlySet<string> = new Set(services.map(({ name }) => name));

const lifetimeSeconds = 30;
/** A token is said again for half its life: whoever hears it last still has the other half, also by a clock that is ahead. */
const saidAgainMs = (lifetimeSeconds * 1000) / 2;
/** So many tokens are remembered on either side; each is some 500 bytes. */
const mostRemembered = 4096;

const signOnThread = promisify(sign);
/** A signature takes some 40 µs. */
const mostSignedHere = 2;

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
  #signingKey: KeyObject | undefined;
  /** How many signatures were made here since whatever else there is to do had its turn. */
  #signedHere = 0;
  /** What was said lately, by whom it is for and in whose name. */
  readonly #said = new Remembered<Promise<string>>();
  /** What was found of tokens, for as long as they are good. */
  readonly #heard = new Remembered<Subject>();

  constructor(service: string, privateJwk: Record<string, unknown>, jwks: { keys: Record<string, unknown>[] }) {
    this.#service = service;
    this.#privateJwk = privateJwk as unknown as JWK;
    this.#keys = createLocalJWKSet(jwks as unknown as JSONWebKeySet);
  }

  /**
   * @returns a token that lets `audience` act for `subject`; for this service itself when none is given. The same one for a while:
   * it is good for another 15 s at least.
   * @throws Error for an audience that the registry does not know: nobody else gets a token, whatever a request names.
   */
  async sign(audience: string, subject: Subject = { kind: 'service', service: this.#service }): Promise<string> {
    const what = JSON.stringify([audience, subject]);
    const said = this.#said.get(what);
    if (said) return said;
    const token = this.#make(audience, subject);
    this.#said.set(what, token, saidAgainMs);
    // What could not be made is not said again.
    token.catch(() => this.#said.forget(what));
    return token;
  }

  async #make(audience: string, subject: Subject): Promise<string> {
    if (!registered.has(audience)) throw new Error(`${audience} is no service of the registry`);
    return this.#signed({ subject, aud: audience }, Date.now() + lifetimeSeconds * 1000);
  }

  /** @returns a credential of that kind that says `claims` until it expires. Only its issuer's are believed. */
  async signCredential({ typ, audience }: CredentialKind, claims: JWTPayload, expiresAt: Date): Promise<string> {
    return this.#signed({ ...claims, aud: audience }, expiresAt.getTime(), { typ });
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
   * @throws ProblemError `unauthenticated` for a token that is missing, stale, for another service or not its signer's to give;
   * InfrastructureError for one whose key is a service's by its name, and not here yet: then nothing is decided of whoever it speaks for.
   */
  async verify(authorization: string | undefined): Promise<Subject> {
    const token = authorization?.startsWith('Bearer ') ? authorization.slice(7) : '';
    const known = this.#heard.get(token);
    if (known) return known;
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
      Object.freeze(subject);
      // Never for longer than the token says, nor than it may: the tolerance is for clocks that differ, not for this one.
      const ends = Math.min(payload.exp ?? 0, (payload.iat ?? 0) + lifetimeSeconds) * 1000;
      this.#heard.set(token, subject, ends - Date.now());
      return subject;
    } catch (cause) {
      const unknown = cause instanceof errors.JWKSNoMatchingKey ? decodeProtectedHeader(token).kid : undefined;
      if (unknown !== undefined && [...registered].some((service) => ownsKey(service, unknown)))
        throw new InfrastructureError(`An identity token is signed with ${unknown}, which is not in IDENTITY_PUBLIC_JWKS here`, { cause });
      throw new ProblemError('unauthenticated', 'This door is for services of the Center: send a valid identity token', { cause });
    }
  }

  /** By Node's own crypto: through jose it takes twice as much of the processor, and pushes need thousands. */
  async #signed(claims: JWTPayload, expiresAt: number, more: { typ?: string } = {}): Promise<string> {
    this.#signingKey ??= createPrivateKey({ key: this.#privateJwk as Record<string, unknown>, format: 'jwk' });
    const header = { alg: 'EdDSA', kid: this.#privateJwk.kid ?? this.#service, ...more };
    const times = { iat: Math.floor(Date.now() / 1000), exp: Math.floor(expiresAt / 1000) };
    const signed = [header, { ...claims, iss: this.#service, ...times }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const bytes = Buffer.from(signed);
    const signature = this.#isSignedHere() ? sign(null, bytes, this.#signingKey) : await signOnThread(null, bytes, this.#signingKey);
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** @returns whether to sign at once: so it is ready sooner than another thread has begun. Of many at a time the rest goes to one, since everybody would wait for them here. */
  #isSignedHere(): boolean {
    if (this.#signedHere >= mostSignedHere) return false;
    if (this.#signedHere === 0) setImmediate(() => (this.#signedHere = 0));
    this.#signedHere += 1;
    return true;
  }
}

/** Whether a key is one of a service's: named for it, or for it and a mark. */
function ownsKey(service: string, kid: string | undefined): boolean {
  return kid === service || kid?.startsWith(`${service}-`) === true;
}

/** What is good for a while: the newest few thousand. */
class Remembered<V> {
  readonly #all = new Map<string, { value: V; from: Moment; goodForMs: number }>();

  get(key: string): V | undefined {
    const found = this.#all.get(key);
    return found && isGood(found, moment()) ? found.value : undefined;
  }

  set(key: string, value: V, goodForMs: number): void {
    const now = moment();
    this.#all.delete(key);
    this.#all.set(key, { value, from: now, goodForMs });
    // All last about as long, so the first are those that end first.
    for (const [oldest, remembered] of this.#all) {
      if (isGood(remembered, now) && this.#all.size <= mostRemembered) break;
      this.#all.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#all.delete(key);
  }
}

/** By both clocks: the one may be set, the other stands still while the machine sleeps. */
interface Moment {
  byDate: number;
  running: number;
}

const moment = (): Moment => ({ byDate: Date.now(), running: performance.now() });

function isGood({ from, goodForMs }: { from: Moment; goodForMs: number }, now: Moment): boolean {
  const age = now.byDate - from.byDate;
  return age >= 0 && age < goodForMs && now.running - from.running < goodForMs;
}
