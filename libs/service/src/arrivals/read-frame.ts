import { fieldsOf } from '@communication-center/contracts';
import type { z } from 'zod';
import { ProblemError } from '../problem-error.js';
import { faultOfJson } from './arrived-json.js';

/** A frame that was read; or what is wrong with it, and what it calls itself, be that what it may. */
type ReadFrame<F> = { frame: F; problem?: never } | { frame?: never; problem: ProblemError; id: unknown };

/** @returns the bytes of a message as the WebSocket hands them over. */
export function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/**
 * Reads what a client sent over a socket.
 * @returns with a problem: `malformed_frame` for what is no JSON of the protocol, `invalid_request` for a frame with wrong fields.
 */
export function readFrame<S extends z.ZodType>(schema: S, bytes: Buffer): ReadFrame<z.output<S>> {
  const fault = faultOfJson(bytes);
  if (fault) return { problem: new ProblemError('malformed_frame', fault), id: undefined };
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { problem: new ProblemError('malformed_frame', 'The frame is not JSON'), id: undefined };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { problem: new ProblemError('malformed_frame', 'The frame is no JSON object'), id: undefined };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { frame: parsed.data };
  const id = 'id' in json ? json.id : undefined;
  const fields = fieldsOf(parsed.error);
  const message = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  const isOfProtocol = !fields.some(({ field }) => field === 'type');
  return { problem: new ProblemError(isOfProtocol ? 'invalid_request' : 'malformed_frame', message, { fields }), id };
}
