import {
  fieldsOf,
  type Problem,
  type ProblemCode,
  type ProblemField,
  problems,
  type SocketError,
  unknownFields,
} from '@communication-center/contracts';
import { isInfrastructureFailure } from '@communication-center/event-log';
import { z } from 'zod';

/** A rejection meant for the caller: it becomes problem+json over REST and an error frame over the socket. */
export class ProblemError extends Error {
  override name = 'ProblemError';
  readonly fields: ProblemField[] | undefined;
  readonly callId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly passedOver: { skipped: number; oldest: string } | undefined;

  constructor(
    readonly code: ProblemCode,
    detail?: string,
    more: {
      fields?: ProblemField[] | undefined;
      callId?: string | undefined;
      retryAfterSeconds?: number | undefined;
      /** Of `position_expired`. */
      passedOver?: { skipped: number; oldest: string };
      cause?: unknown;
    } = {},
  ) {
    super(detail ?? problems[code].title, more.cause === undefined ? undefined : { cause: more.cause });
    this.fields = more.fields;
    this.callId = more.callId;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.passedOver = more.passedOver;
  }

  /** Whether nothing was decided, since the infrastructure failed: another try may fare better, and a refusal would not. */
  get isUndecided(): boolean {
    return this.cause !== undefined && isInfrastructureFailure(this.cause);
  }

  /** @returns this as an RFC 9457 document. */
  toProblem(traceId?: string): Problem {
    const { status, title } = problems[this.code];
    return {
      type: `urn:communication-center:problem:${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.message,
      ...(this.fields && { fields: this.fields }),
      ...(this.callId && { callId: this.callId }),
      ...(this.isUndecided && { undecided: true }),
      ...(this.retryAfterSeconds !== undefined && { retryAfterSeconds: this.retryAfterSeconds }),
      ...this.passedOver,
      ...(traceId && { traceId }),
    };
  }

  /** @returns this as a socket tells it. */
  toSocketError(traceId?: string): SocketError {
    const { code, message, fields, callId, retryAfterSeconds } = this;
    return {
      code,
      message,
      ...(fields && { fields }),
      ...(callId && { callId }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      ...(traceId && { traceId }),
    };
  }
}

/**
 * Parses input from outside.
 * @throws ProblemError `invalid_request` that names every faulty field.
 */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.infer<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalidRequest(fieldsOf(parsed.error));
}

/**
 * As {@link parseInput}, and refuses what the schema does not know, by the name that was probably meant.
 * @throws ProblemError `invalid_request` that names every faulty field.
 */
export function parseStrictly<S extends z.ZodType>(schema: S, input: unknown): z.infer<S> {
  const parsed = schema.safeParse(input);
  const unknown = unknownFields(schema, input);
  if (parsed.success && unknown.length === 0) return parsed.data;
  // A strict schema refuses unknown fields too, without saying what was meant.
  const others = parsed.error?.issues.filter(({ code }) => unknown.length === 0 || code !== 'unrecognized_keys') ?? [];
  throw invalidRequest([...unknown, ...fieldsOf(new z.ZodError(others))]);
}

function invalidRequest(fields: ProblemField[]): ProblemError {
  return new ProblemError('invalid_request', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), { fields });
}
