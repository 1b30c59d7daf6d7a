import { type ArgumentsHost, Catch, type ExceptionFilter, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import type { ProblemError } from './problem-error.js';
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
    const found = problemOf(error);
    if (found !== error) this.#note(error, found);
    const problem = found.toProblem(currentTraceId());
    noteInTrace({ problem: problem.code });
    void reply.status(problem.status).type('application/problem+json').send(problem);
  }

  #note(err: unknown, { code }: ProblemError): void {
    if (code === 'service_unavailable') this.#logger.warn({ err }, 'infrastructure failed a request');
    else if (code === 'internal_error') this.#logger.error({ err }, 'a request failed');
  }
}
