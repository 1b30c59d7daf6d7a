import type { Problem, ProblemCode, ProblemField, SocketError, Told } from '@communication-center/contracts';
import type { MediaKind } from './local-media.js';

interface More {
  fields?: ProblemField[] | undefined;
  userAliases?: string[] | undefined;
  callId?: string | undefined;
  traceId?: string | undefined;
}

/** Who forbade somebody to send something, and since when; `by` null: a server. */
export interface Ban {
  by: string | null;
  since: string;
}

/** What the Center refused, by its stable code; a newer Center may have codes this release does not know. */
export class CenterError extends Error {
  override name = 'CenterError';
  readonly fields: ProblemField[];
  /** Whom it is about, where it names anybody: of `unknown_user` those whom nobody knows. */
  readonly userAliases: string[];
  readonly callId: string | undefined;
  /** Tell it to whoever runs the Center: its logs say under this what happened. */
  readonly traceId: string | undefined;

  constructor(
    readonly code: Told<ProblemCode>,
    message: string,
    more: More = {},
  ) {
    super(message);
    this.fields = more.fields ?? [];
    this.userAliases = more.userAliases ?? this.fields.flatMap(({ userAlias }) => userAlias ?? []);
    this.callId = more.callId;
    this.traceId = more.traceId;
  }

  static fromSocket(error: Told<SocketError>): CenterError {
    return new CenterError(error.code, error.message, error);
  }

  static fromProblem(problem: Told<Problem>): CenterError {
    return new CenterError(problem.code, problem.detail ?? problem.title, problem);
  }
}

/** This user may not send that in this call, until it is allowed again. */
export class MediaForbiddenError extends CenterError {
  override name = 'MediaForbiddenError';

  constructor(
    readonly kind: MediaKind,
    readonly ban: Ban,
  ) {
    super('media_forbidden', `${ban.by ?? 'The server'} has forbidden you to send ${kind} in this call`, {
      userAliases: ban.by === null ? [] : [ban.by],
    });
  }

  /** Whoever forbade it; null: a server. */
  get by(): string | null {
    return this.ban.by;
  }
}
