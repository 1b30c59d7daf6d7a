import { isInfrastructureFailure } from '@communication-center/event-log';
import { HttpException } from '@nestjs/common';
import { ProblemError } from './problem-error.js';

/**
 * What is told of a failure, at whatever door: a problem as it is; of the rest only the kind, since what is not meant for users
 * does not reach them.
 */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === 413) return new ProblemError('payload_too_large');
  if (status === 404) return new ProblemError('not_found');
  if (status !== undefined && status >= 400 && status < 500) {
    return new ProblemError('invalid_request', error instanceof Error ? error.message : undefined);
  }
  return isInfrastructureFailure(error)
    ? new ProblemError('service_unavailable', undefined, { cause: error })
    : new ProblemError('internal_error', undefined, { cause: error });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
