import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../problem-error.js';
import { faultOfJson } from './arrived-json.js';

/** What a form may come to. */
const mostFormBytes = 16_384;
const mostFormFields = 100;

/**
 * Has bodies refused that are no JSON, and those of JSON whose bytes or structure are not let through, before they are parsed.
 * @param forms routes, as `/v1/things/:id`, whose bodies are forms: each is read as an object of texts.
 */
export function readBoundedJson(app: NestFastifyApplication, forms: readonly string[] = []): void {
  const server = app.getHttpAdapter().getInstance();
  const parse = server.getDefaultJsonParser('error', 'error');
  app.useBodyParser('application/json', {}, (request, body: Buffer, done) => {
    const fault = faultOfJson(body);
    if (fault) done(new ProblemError('invalid_request', fault, { fields: [{ field: '(body)', message: fault }] }), undefined);
    else void parse(request as FastifyRequest, body.toString('utf8'), done);
  });
  // Nest and Fastify read forms and plain text too, with no bound on what is in them. One form is let through: what mailboxes send by the one click that
  // ends e-mails (RFC 8058 §3.2). It says no more than that, and stands for no body.
  app.useBodyParser(['application/x-www-form-urlencoded', 'text/plain'], {}, (request, body: Buffer, done) => {
    if (forms.includes((request as FastifyRequest).routeOptions.url ?? '')) return done(null, formOf(body));
    if (body.toString('latin1') === 'List-Unsubscribe=One-Click') return done(null, undefined);
    done(new ProblemError('invalid_request', 'Send JSON, with Content-Type: application/json'), undefined);
  });
}

/** @returns the fields of a form, of each the last value; undefined for one that is too large, which stands for no body. */
function formOf(body: Buffer): Record<string, string> | undefined {
  if (body.length > mostFormBytes) return undefined;
  const fields = [...new URLSearchParams(body.toString('utf8'))];
  return fields.length > mostFormFields ? undefined : Object.assign(Object.create(null), Object.fromEntries(fields));
}
