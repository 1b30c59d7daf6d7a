import type { Problem, ProblemCode, ProblemField, SocketError, Told } from '@communication-center/contracts';

/** What the Center refused, by its stable code; a newer Center may have codes this release does not know. */
export class CenterError extends Error {
  override name = 'CenterError';
  readonly fields: ProblemField[];
  readonly callId: string | undefined;
  /** Tell it to whoever runs the Center: its logs say under this what happened. */
  readonly traceId: string | undefined;

  constructor(
    readonly code: Told<ProblemCode>,
    message: string,
    more: { fields?: ProblemField[] | undefined; callId?: string | undefined; traceId?: string | undefined } = {},
  ) {
    super(message);
    this.fields = more.fields ?? [];
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
