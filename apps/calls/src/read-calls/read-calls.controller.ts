import {
  type AppId,
  appIdSchema,
  type CallId,
  type CallSnapshot,
  type CallState,
  callIdSchema,
  callStateSchema,
  participantOf,
  type Subject,
  type Timeline,
  type UserAlias,
  userAliasSchema,
} from '@communication-center/contracts';
import { appOf, From, JsonBody, PathParam, Postgres, ProblemError, QueryString, requireService } from '@communication-center/service';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { eventsOfCalls, statesOfCalls } from '../event-store/call-store.js';

const listQuerySchema = z.object({
  userAlias: userAliasSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^[0-9TZ:.-]{20,30}_[0-9a-f-]{36}$/, 'use the nextCursor of the page before')
    .optional(),
});
const snapshotSchema = z.object({ appId: appIdSchema, userAlias: userAliasSchema });

/** Reads calls back: one from its events, many from the history the log was folded into. */
@Controller()
export class ReadCallsController {
  constructor(private readonly database: Postgres) {}

  /** Newest first. A user sees its own calls; a key sees the app's. */
  @Get('v1/calls')
  async list(@From() subject: Subject, @QueryString(listQuerySchema) query: z.infer<typeof listQuerySchema>) {
    const appId = appOf(subject, 'calls');
    const userAlias = subject.kind === 'user' ? subject.userAlias : (query.userAlias ?? null);
    const [dialedAt, callId] = query.cursor?.split('_') ?? [null, null];
    const { rows } = await this.database.query<{ call: unknown }>(
      `SELECT call FROM call_history
       WHERE app_id = $1 AND ($2::text IS NULL OR participants @> ARRAY[$2])
         AND ($3::timestamptz IS NULL OR (dialed_at, call_id) < ($3, $4::uuid))
       ORDER BY dialed_at DESC, call_id DESC LIMIT $5`,
      [appId, userAlias, dialedAt, callId, query.limit],
    );
    const calls = rows.map(({ call }) => callStateSchema.parse(call));
    const last = calls.length === query.limit ? calls.at(-1) : undefined;
    return { calls, nextCursor: last ? `${last.dialedAt}_${last.callId}` : null };
  }

  @Get('v1/calls/:callId')
  async one(@From() subject: Subject, @PathParam('callId', callIdSchema) callId: CallId): Promise<CallState> {
    return this.#visible(subject, callId);
  }

  /** Everything that happened in the call, as its log tells it. */
  @Get('v1/calls/:callId/timeline')
  async timeline(@From() subject: Subject, @PathParam('callId', callIdSchema) callId: CallId): Promise<Timeline> {
    await this.#visible(subject, callId);
    const events = (await eventsOfCalls(this.database, [callId])).get(callId) ?? [];
    return { callId, events: events.map(({ sequence, type, time, data }) => ({ sequence, type, time, data })) };
  }

  /** What a device that connects must know. For gateways. */
  @Post('internal/snapshot')
  @HttpCode(200)
  async snapshot(@From() subject: Subject, @JsonBody(snapshotSchema) body: { appId: AppId; userAlias: UserAlias }): Promise<CallSnapshot> {
    requireService(subject);
    const { rows } = await this.database.query<{ call_id: CallId }>(
      `SELECT active_call_id AS call_id FROM lines WHERE app_id = $1 AND user_alias = $2 AND active_call_id IS NOT NULL
       UNION SELECT call_id FROM rings WHERE app_id = $1 AND user_alias = $2
       UNION SELECT call_id FROM calls WHERE app_id = $1 AND ended_at > clock_timestamp() - interval '5 minutes' AND participants @> ARRAY[$2]`,
      [body.appId, body.userAlias],
    );
    const callIds = rows.map(({ call_id }) => call_id);
    const clock = await this.database.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    return { takenAt: (clock.rows[0]?.now ?? new Date()).toISOString(), calls: await statesOfCalls(this.database, body.appId, callIds) };
  }

  async #visible(subject: Subject, callId: CallId): Promise<CallState> {
    const [call] = await statesOfCalls(this.database, appOf(subject, 'calls'), [callId]);
    if (!call) throw new ProblemError('call_not_found');
    if (subject.kind === 'user' && !participantOf(call, subject.userAlias)) throw new ProblemError('not_a_participant');
    return call;
  }
}
