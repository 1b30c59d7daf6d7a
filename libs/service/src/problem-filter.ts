import type { Problem } from '@communication-center/contracts';
import { type ArgumentsHost, Catch, type ExceptionFilter, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { problemOf } from './problem-of.js';
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
    const problem = problemTold(error, this.#logger);
    if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', problem.retryAfterSeconds);
    void reply.status(problem.status).type('application/problem+json').send(problem);
  }
}

/** @returns what is told of why a request, or a part of one, failed; what is not told is logged, in the trace of the work under way. */
export function problemTold(err: unknown, logger: Pick<Logger, 'warn' | 'error'>): Problem {
  const found = problemOf(err);
  if (found !== err && found.code === 'service_unavailable') logger.warn({ err }, 'infrastructure failed a request');
  else if (found !== err && found.code === 'internal_error') logger.error({ err }, 'a request failed');
  const problem = found.toProblem(currentTraceId());
  noteInTrace({ problem: problem.code });
  return problem;
}
