import { z } from 'zod';

/** Every error a user of the Center can meet: its HTTP status and a title. Codes never change their meaning. */
export const problems = {
  invalid_request: { status: 400, title: 'A field of the request is missing or wrong' },
  malformed_frame: { status: 400, title: 'The frame is not JSON of the protocol' },
  unauthenticated: { status: 401, title: 'The token or key is missing, expired or wrong' },
  forbidden: { status: 403, title: 'This subject may not do that' },
  app_suspended: { status: 403, title: 'The app is suspended: nobody signs in to it' },
  unknown_app: { status: 404, title: 'No such app' },
  unknown_user: { status: 404, title: 'No such user in this app' },
  not_found: { status: 404, title: 'No such resource' },
  call_not_found: { status: 404, title: 'No such call in this app' },
  not_a_participant: { status: 403, title: 'The user has no part in this call' },
  already_answered: { status: 409, title: 'Another device answered first' },
  already_ended: { status: 409, title: 'The call, or the ring of this user, has ended' },
  already_in_call: { status: 409, title: 'The user is in another call: hang that up first' },
  initiator_busy: { status: 409, title: 'The initiator is in another call' },
  dial_cancelled: { status: 409, title: 'The dial was cancelled before it made a call' },
  all_callees_busy: { status: 409, title: 'Every callee is busy' },
  too_many_participants: { status: 409, title: 'The call has no room for so many' },
  call_locked: { status: 409, title: 'The call is locked: nobody more comes into it' },
  not_upgradable: { status: 409, title: 'The type of this call allows no video, or it has video already' },
  too_many_upgrade_requests: { status: 409, title: 'The user has asked for video in this call as often as one may' },
  no_upgrade_requested: { status: 409, title: 'Nobody waits for consent to video' },
  too_many_watched: { status: 409, title: 'This socket watches as many users as it may' },
  too_many_streams: { status: 409, title: 'The call carries as many cameras, or screens, as it may' },
  events_not_kept: { status: 409, title: 'The app keeps no events: nobody has said that it shall' },
  position_expired: { status: 410, title: 'The place is older than the events that are kept' },
  conflict: { status: 409, title: 'The resource has changed or exists already' },
  idempotency_mismatch: { status: 422, title: 'The command id was used for another command' },
  payload_too_large: { status: 413, title: 'The request is larger than allowed' },
  frame_too_large: { status: 413, title: 'The frame is larger than allowed' },
  too_many_calls: { status: 429, title: 'The app has as many calls at a time as it may' },
  storage_full: { status: 409, title: 'The app stores as many bytes as it may' },
  rate_limited: { status: 429, title: 'Too many requests' },
  range_not_satisfiable: { status: 416, title: 'The file has none of the bytes that are asked for' },
  unsupported_protocol: { status: 426, title: 'The subprotocol is not one the Center speaks' },
  connect_timeout: { status: 408, title: 'No connect frame came in time' },
  room_closed: { status: 410, title: 'The call has ended: its room is closed' },
  media_unavailable: { status: 503, title: 'No media node can serve this call now' },
  service_unavailable: { status: 503, title: 'A part of the Center cannot serve this now; try again' },
  internal_error: { status: 500, title: 'The Center failed; the trace id helps to find why' },
} as const;

export type ProblemCode = keyof typeof problems;
export const problemCodeSchema = z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]);

export const problemFieldSchema = z.object({
  field: z.string().describe('path of the field, such as callees.0'),
  message: z.string().describe('what is wrong and how to mend it'),
  userAlias: z.string().optional().describe('whom it is about, where it is about somebody'),
});
export type ProblemField = z.infer<typeof problemFieldSchema>;

/** An error as RFC 9457 problem+json, and, less `type`, `title` and `status`, as a socket's error. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: problemCodeSchema,
  detail: z.string().optional(),
  fields: z.array(problemFieldSchema).optional(),
  callId: z.string().optional(),
  undecided: z
    .boolean()
    .optional()
    .describe('set when a part of the Center failed before it could decide: repeat it, with the same `Idempotency-Key`'),
  retryAfterSeconds: z.int().optional().describe('set where it is known when another try may fare better; over REST `Retry-After` too'),
  skipped: z.int().optional().describe('of position_expired: how many places are passed over by who goes on at `oldest`'),
  oldest: z.string().optional().describe('of position_expired: the cursor before the oldest event that can be read'),
  traceId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** So many faults are named; a frame may hold thousands, and their list would be many times as long as the frame. */
const namedFaults = 50;
/** Longer than any name or sentence of the Center's own. */
const longestNamed = 300;

/** Lists the faults of a failed parse at once, by field; the first fifty. */
export function fieldsOf(error: z.ZodError): ProblemField[] {
  return error.issues.slice(0, namedFaults).map(({ path, message }) => ({
    field: path.join('.').slice(0, longestNamed) || '(body)',
    message: message.slice(0, longestNamed),
  }));
}
