import { type CommandId, commandIdSchema, type Subject } from '@communication-center/contracts';
import { ProblemError, parseInput, parseOfRequest, parsing, subjectOf } from '@communication-center/service';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { z } from 'zod';

interface CommandRequest {
  headers: { authorization?: string; 'idempotency-key'?: string; prefer?: string };
  body?: unknown;
  subject?: Subject;
}

/** What a request asks for, and in whose name. */
export interface Asked<S extends z.ZodType> {
  subject: Subject;
  body: z.infer<S>;
}

/**
 * The body of a command, parsed by a schema that has `commandId`. An `Idempotency-Key` header
 * (draft-ietf-httpapi-idempotency-key-header) stands for it; quotes around its value are allowed.
 */
export const AskedBy = (schema: z.ZodType) => parsing({ body: schema, isIdempotent: true }, asked(schema));

const asked = (schema: z.ZodType) =>
  createParamDecorator((_: unknown, context: ExecutionContext): Asked<z.ZodType> => {
    const request = context.switchToHttp().getRequest<CommandRequest>();
    const body = parseOfRequest(schema, request.body ?? {}, request) as { commandId?: CommandId };
    return { subject: subjectOf(request), body: withKey(body, request.headers['idempotency-key']) };
  })();

function withKey(body: { commandId?: CommandId }, header: string | undefined): object {
  if (header === undefined) return body;
  const unquoted = header.replace(/^"(.*)"$/, '$1');
  const { 'Idempotency-Key': commandId } = parseInput(z.object({ 'Idempotency-Key': commandIdSchema }), { 'Idempotency-Key': unquoted });
  if (body.commandId && body.commandId !== commandId) {
    const message = 'differs from the Idempotency-Key header: send one of the two';
    throw new ProblemError('invalid_request', `commandId: ${message}`, { fields: [{ field: 'commandId', message }] });
  }
  return { ...body, commandId };
}
