import { isInfrastructureFailure } from '@communication-center/event-log';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { ProblemError } from './problem-error.js';
import { currentTraceId, noteInTrace } from './trace.js';

/** Turns whatever a request threw into one problem document. What is not meant for users becomes an empty 500. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    // What a health check found: its own document, and nothing to log.
    if (error instanceof ServiceUnavailableException) return void reply.status(503).send(error.getResponse());
    const problem = this.#problemOf(error).toProblem(currentTraceId());
    noteInTrace({ problem: problem.code });
    void reply.status(problem.status).type('application/problem+json').send(problem);
  }

  #problemOf(error: unknown): ProblemError {
    if (error instanceof ProblemError) return error;
    const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
    if (status === 413) return new ProblemError('payload_too_large');
    if (status === 404) return new ProblemError('not_found');
    if (status !== undefined && status >= 400 && status < 500) {
      return new ProblemError('invalid_request', error instanceof Error ? error.message : undefined);
    }
    if (isInfrastructureFailure(error)) {
      this.#logger.warn({ err: error }, 'infrastructure failed a request');
      return new ProblemError('service_unavailable', undefined, { cause: error });
    }
    this.#logger.error({ err: error }, 'a request failed');
    return new ProblemError('internal_error');
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
