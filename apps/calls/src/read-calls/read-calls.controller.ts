import {
  type CallEvent,
  type CallId,
  type CallList,
  type CallListQuery,
  type CallRecord,
  type CallSnapshot,
  callEventsPage,
  callIdSchema,
  callListQuerySchema,
  participantOf,
  type Subject,
  type Timeline,
} from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { appOf, From, InquiryOf, PathParam, Postgres, ProblemError, QueryString, Serves } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { listCalls } from '../call-history/list-calls.js';
import { foldRecord } from '../domain/parts.js';
import { eventsBetween, eventsOfCall } from '../event-store/events.js';
import { statesByCall } from '../event-store/kept-states.js';
import { callsToTell } from './calls-to-tell.js';

/** Reads calls back: one from its events, many from the history the log was folded into. */
@Controller()
export class ReadCallsController {
  constructor(private readonly database: Postgres) {}

  /** Newest first. A user sees its own calls; a key sees the app's. */
  @Get('v1/calls')
  async list(@From() subject: Subject, @QueryString(callListQuerySchema) query: CallListQuery): Promise<CallList> {
    const appId = appOf(subject, 'calls');
    if (subject.kind === 'user' && query.userAlias && query.userAlias !== subject.userAlias) {
      throw new ProblemError('forbidden', 'userAlias: a user sees its own calls; leave it out or use an API key');
    }
    return listCalls(this.database.of('lists'), appId, subject.kind === 'user' ? subject.userAlias : (query.userAlias ?? null), query);
  }

  @Get('v1/calls/:callId')
  async one(@From() subject: Subject, @PathParam('callId', callIdSchema) callId: CallId): Promise<CallRecord> {
    return (await this.#visible(subject, callId)).record;
  }

  /** Everything that happened in the call, as its log tells it. */
  @Get('v1/calls/:callId/timeline')
  async timeline(@From() subject: Subject, @PathParam('callId', callIdSchema) callId: CallId): Promise<Timeline> {
    const { events } = await this.#visible(subject, callId);
    return { callId, events: events.map(({ sequence, type, time, data }) => ({ sequence, type, time, data })) };
  }

  @Serves(internal.callEvents)
  async eventsOf(@InquiryOf(internal.callEvents) { params, query }: Inquiry<typeof internal.callEvents>): Promise<{ events: CallEvent[] }> {
    return { events: await eventsBetween(this.database, params.callId, { ...query, limit: callEventsPage }) };
  }

  @Serves(internal.snapshot)
  async snapshot(@InquiryOf(internal.snapshot) { body }: Inquiry<typeof internal.snapshot>): Promise<CallSnapshot> {
    return (await this.#snapshots([body]))[0] as CallSnapshot;
  }

  @Serves(internal.snapshots)
  async snapshots(@InquiryOf(internal.snapshots) { body }: Inquiry<typeof internal.snapshots>): Promise<{ snapshots: CallSnapshot[] }> {
    return { snapshots: await this.#snapshots(body.users) };
  }

  /** One statement for all users, and one for all their calls where they have any. */
  async #snapshots(users: Inquiry<typeof internal.snapshots>['body']['users']): Promise<CallSnapshot[]> {
    const toTell = await callsToTell(this.database, users);
    const states = await statesByCall(this.database, [...new Set(toTell.flatMap(({ callIds }) => callIds))]);
    return toTell.map(({ callIds, takenAt }) => ({
      takenAt: takenAt.toISOString(),
      calls: callIds.flatMap((callId) => states.get(callId) ?? []),
    }));
  }

  async #visible(subject: Subject, callId: CallId): Promise<{ record: CallRecord; events: CallEvent[] }> {
    const isRing = subject.kind === 'ring' && subject.callId === callId;
    const appId = isRing ? subject.appId : appOf(subject, 'calls');
    const events = await eventsOfCall(this.database, callId);
    const record = events.reduce<CallRecord | undefined>(foldRecord, undefined);
    if (!record || events[0]?.appid !== appId) throw new ProblemError('call_not_found');
    if ((subject.kind === 'user' || isRing) && !participantOf(record, subject.userAlias)) throw new ProblemError('not_a_participant');
    return { record, events };
  }
}
