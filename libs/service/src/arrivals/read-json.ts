import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../problem-error.js';
import { faultOfJson } from './arrived-json.js';

/** Has bodies refused that are no JSON, and those of JSON whose bytes or structure are not let through, before they are parsed. */
export function readBoundedJson(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  const parse = server.getDefaultJsonParser('error', 'error');
  app.useBodyParser('application/json', {}, (request, body: Buffer, done) => {
    const fault = faultOfJson(body);
    if (fault) done(new ProblemError('invalid_request', fault, { fields: [{ field: '(body)', message: fault }] }), undefined);
    else void parse(request as FastifyRequest, body.toString('utf8'), done);
  });
  // Nest and Fastify read forms and plain text too, with no bound on what is in them. One form is let through: what mailboxes send by the one click that
  // ends e-mails (RFC 8058 §3.2). It says no more than that, and stands for no body.
  app.useBodyParser(['application/x-www-form-urlencoded', 'text/plain'], {}, (_request, body: Buffer, done) => {
    if (body.toString('latin1') === 'List-Unsubscribe=One-Click') return done(null, undefined);
    done(new ProblemError('invalid_request', 'Send JSON, with Content-Type: application/json'), undefined);
  });
}
