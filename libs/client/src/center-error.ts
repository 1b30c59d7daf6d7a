import type { Problem, ProblemCode, ProblemField, SocketError } from '@communication-center/contracts';

/** What the Center refused, by its stable code. */
export class CenterError extends Error {
  override name = 'CenterError';
  readonly fields: ProblemField[];
  readonly callId: string | undefined;

  constructor(
    readonly code: ProblemCode,
    message: string,
    more: { fields?: ProblemField[] | undefined; callId?: string | undefined } = {},
  ) {
    super(message);
    this.fields = more.fields ?? [];
    this.callId = more.callId;
  }

  static fromSocket(error: SocketError): CenterError {
    return new CenterError(error.code, error.message, error);
  }

  static fromProblem(problem: Problem): CenterError {
    return new CenterError(problem.code, problem.detail ?? problem.title, problem);
  }
}
