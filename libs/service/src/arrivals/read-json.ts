import { jsonFault, jsonFaultMessage } from '@communication-center/contracts';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from './problem-error.js';

/** Has bodies of JSON refused whose structure is too large, before they are parsed. */
export function readBoundedJson(app: NestFastifyApplication): void {
  const parse = app.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error');
  app.useBodyParser('application/json', {}, (request, body: Buffer, done) => {
    const fault = jsonFault(body);
    if (fault) done(new ProblemError('invalid_request', jsonFaultMessage(fault)), undefined);
    else void parse(request as FastifyRequest, body.toString('utf8'), done);
  });
}
