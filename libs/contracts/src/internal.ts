import { z } from 'zod';
import { callReplySchema, callSnapshotSchema } from './call-commands.js';
import { callEventsQuerySchema, callEventsSchema } from './call-repair.js';
import {
  appOptionsSchema,
  appStateSchema,
  originsSchema,
  profileSchema,
  serviceActSchema,
  sipAlgorithmsSchema,
  sipUsernameSchema,
} from './directory.js';
import { anyEventSchema } from './envelope.js';
import {
  appIdSchema,
  broadcastIdSchema,
  callIdSchema,
  recordedAliasSchema,
  recordingIdSchema,
  sessionIdSchema,
  userAliasSchema,
} from './ids.js';
import { presenceLimits, presenceSchema, userSessionsSchema } from './presence.js';
import { presenceVisibilitySchema } from './presence-visibility.js';
import { problemCodeSchema, problemSchema } from './problems.js';
import { callFrameSchema } from './socket-protocol.js';
import { authenticationBodySchema, ringSubjectSchema, subjectSchema, userSubjectSchema } from './subject.js';
import { text } from './text.js';

export { type WireAnswer, type WireQuestion, wireAnswerSchema, wireLimits, wireQuestionSchema } from './wires.js';

/** An endpoint that a service has for the others alone: what is asked, and what is answered. Both ends parse by it. */
export interface InternalEndpoint {
  service: string;
  method: 'GET' | 'POST';
  /** With `:name` for each of the params. */
  path: `/internal/${string}`;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodObject;
  /** What is answered; each line of it, where it comes in lines. */
  answer: z.ZodType;
  /** Whether it is answered in lines of JSON, each when it is known, in any order. */
  inLines?: true;
}

type Parts = 'params' | 'query' | 'body';
/** What a caller says to ask. */
export type Asking<E extends InternalEndpoint> = { [P in Extract<keyof E, Parts>]: E[P] extends z.ZodType ? z.input<E[P]> : never };
/** What the service is asked, parsed. */
export type Inquiry<E extends InternalEndpoint> = { [P in Extract<keyof E, Parts>]: E[P] extends z.ZodType ? z.output<E[P]> : never };

/** How many are asked together at most. A question is 256 KB at most, a credential 8. */
export const internalLimits = { commandsAtOnce: 32, credentialsAtOnce: 24, snapshotsAtOnce: 50, endsAtOnce: 500, erasedAppsAtOnce: 100 };

const ofApp = z.object({ appId: appIdSchema });
/** Who holds a credential. */
const holderSchema = subjectSchema.and(
  z.object({ allowedOrigins: originsSchema.optional().describe('of its app, where that was asked, and the app names any') }),
);
const aliases = z.object({ userAliases: z.array(userAliasSchema).min(1).max(100) });

/**
 * What let somebody in, and does so no longer. Who was let in by it before is put out, at every door.
 * A user's tokens end with those of a second: `upTo` is that second, by their `iat`. Sessions end without what let them in.
 */
export const endedSchema = z.discriminatedUnion('what', [
  z.object({ what: z.literal('secret'), appId: appIdSchema, kid: z.string() }),
  z.object({ what: z.literal('key'), appId: appIdSchema, keyId: z.string() }),
  z.object({ what: z.literal('user'), appId: appIdSchema, userAlias: recordedAliasSchema, upTo: z.int() }),
  z.object({ what: z.literal('session'), appId: appIdSchema, sessionId: sessionIdSchema }),
  z.object({ what: z.literal('sessions_of_user'), appId: appIdSchema, userAlias: recordedAliasSchema }),
  z.object({ what: z.literal('sessions_of_secret'), appId: appIdSchema, kid: z.string() }),
  z.object({ what: z.literal('sip_account'), appId: appIdSchema, username: z.string() }),
  z.object({ what: z.literal('app'), appId: appIdSchema }).describe('suspended or deleted: with it everything it let in'),
  z
    .object({ what: z.literal('visibility'), appId: appIdSchema, sequence: z.int(), rule: presenceVisibilitySchema })
    .describe('ends nobody: who sees whom in the app is decided by this rule now'),
  z.object({ what: z.literal('app_resumed'), appId: appIdSchema }).describe('ends nothing: what the app let in before is good again'),
]);
export type Ended = z.infer<typeof endedSchema>;
const knownEnds = new Set<string>(endedSchema.options.map(({ shape }) => shape.what.value));
/** What only a later release knows ends nobody here. */
const laterEndSchema = z.object({ what: z.string().refine((what) => !knownEnds.has(what)) }).transform(() => null);
const endsSchema = z.array(z.union([endedSchema, laterEndSchema])).transform((all) => all.filter((one) => one !== null));

/** By which rule users see each other, and of which version of the app that is. */
const visibilitySchema = z.object({ rule: presenceVisibilitySchema.default('same_group'), sequence: z.int().default(0) });

/** Every internal endpoint. Fields that one end does not know are left out by it, since the other may be a release ahead. */
export const internal = {
  /** Whose credential a request or socket carries. `unauthenticated`; `unknown_app`; `forbidden` for a token of another app. */
  authenticate: {
    service: 'directory',
    method: 'POST',
    path: '/internal/authenticate',
    body: authenticationBodySchema,
    answer: holderSchema,
  },
  /** The same of several that came together, each answered for itself and in their order. */
  authenticateSome: {
    service: 'directory',
    method: 'POST',
    path: '/internal/authenticate-some',
    body: z.object({ asked: z.array(authenticationBodySchema).min(1).max(internalLimits.credentialsAtOnce) }),
    answer: z.object({
      answers: z.array(
        z.union([z.object({ holder: holderSchema }), z.object({ refused: problemCodeSchema, detail: z.string().optional() })]),
      ),
    }),
  },
  /**
   * What has ended since a sequence, in order, so many at most; without `since` what has in the last `seconds`. `isWhole` is false
   * where what came after `since` is not on record any more: who asks must take everything for ended.
   */
  ended: {
    service: 'directory',
    method: 'GET',
    path: '/internal/ended',
    query: z.object({ since: z.coerce.number().int().min(0).optional(), seconds: z.coerce.number().int().min(0).max(1800).default(0) }),
    answer: z.object({ upTo: z.int(), isWhole: z.boolean(), ended: endsSchema, hasMore: z.boolean() }),
  },
  /** Whether any app allows pages of an origin: all that can be said before a credential is seen. */
  originAllowed: {
    service: 'directory',
    method: 'GET',
    path: '/internal/allowed-origins',
    query: z.object({ origin: text().max(300) }),
    answer: z.object({ isAllowed: z.boolean() }),
  },
  /** What a caller may see of others. Those who do not exist are left out. */
  profiles: {
    service: 'directory',
    method: 'POST',
    path: '/internal/apps/:appId/profiles',
    params: ofApp,
    body: aliases,
    answer: z.object({ profiles: z.array(profileSchema) }),
  },
  /** What must be known of users before their events have arrived, deleted ones too. `unknown_app`. */
  userSettings: {
    service: 'directory',
    method: 'POST',
    path: '/internal/apps/:appId/user-settings',
    params: ofApp,
    body: aliases,
    answer: z.object({
      users: z.array(z.object({ userAlias: recordedAliasSchema, sequence: z.int(), deleted: z.boolean(), doNotDisturb: z.boolean() })),
    }),
  },
  /** What must be known of an app before its event has arrived. `unknown_app`. */
  appOptions: {
    service: 'directory',
    method: 'GET',
    path: '/internal/apps/:appId/options',
    params: ofApp,
    answer: z.object({ sequence: z.int(), options: appOptionsSchema, state: appStateSchema.default('active') }),
  },
  /** Apps that were deleted, and of which the directory keeps nothing any more: after a moment, the oldest first, so many at most. */
  erasedApps: {
    service: 'directory',
    method: 'GET',
    path: '/internal/erased-apps',
    query: z.object({ after: z.iso.datetime() }),
    answer: z.object({ apps: z.array(z.object({ appId: appIdSchema, erasedAt: z.iso.datetime() })) }),
  },
  /**
   * Puts on record what an operator is about to have the asking service do (what is not on record is not done), or what it could not do. An
   * entry once, however often it is told. Without `appId` it is of the whole Center.
   */
  noteAct: {
    service: 'directory',
    method: 'POST',
    path: '/internal/audit',
    body: z.object({
      entryId: z.uuidv7(),
      appId: appIdSchema.optional(),
      actor: text().min(1).max(200),
      act: serviceActSchema,
      target: text().max(2000),
    }),
    answer: z.object({ entryId: z.uuid() }),
  },
  /** What a phone's password comes to: HA1 of RFC 7616 in hex, by each hash. `not_found`. */
  sipSecrets: {
    service: 'directory',
    method: 'GET',
    path: '/internal/apps/:appId/sip-accounts/:username',
    params: ofApp.extend({ username: sipUsernameSchema }),
    /** `algorithms` is left out by directories of an older release. */
    answer: z.object({ md5: z.string(), sha256: z.string(), algorithms: sipAlgorithmsSchema.optional() }),
  },
  /** What a reader of the log lacks of a call, a page at most. */
  callEvents: {
    service: 'calls',
    method: 'GET',
    path: '/internal/calls/:callId/events',
    params: z.object({ callId: callIdSchema }),
    query: callEventsQuerySchema,
    answer: callEventsSchema,
  },
  /** Media could not record a call, or not go on: nobody is to be shown any longer that it is recorded. A repeat finds nothing to do. */
  recordingFailed: {
    service: 'calls',
    method: 'POST',
    path: '/internal/recording-failed',
    body: z.object({ appId: appIdSchema, callId: callIdSchema, recordingId: recordingIdSchema }),
    answer: z.object({ noted: z.literal(true) }),
  },
  /** As `recordingFailed`, of a broadcast. */
  broadcastFailed: {
    service: 'calls',
    method: 'POST',
    path: '/internal/broadcast-failed',
    body: z.object({ appId: appIdSchema, callId: callIdSchema, broadcastId: broadcastIdSchema }),
    answer: z.object({ noted: z.literal(true) }),
  },
  /**
   * What devices have done to calls, in whose name, all begun at once; each is answered by a line. For gateways alone: they know the devices.
   * Who hears is told of what that brought about by lines of their own, each before the replies to the commands that did.
   */
  carryOut: {
    service: 'calls',
    method: 'POST',
    path: '/internal/carry-out',
    body: z.object({
      commands: z
        .array(
          z.object({
            subject: z.discriminatedUnion('kind', [userSubjectSchema, ringSubjectSchema]),
            traceparent: text().max(64).optional(),
            frame: callFrameSchema,
          }),
        )
        .min(1)
        .max(internalLimits.commandsAtOnce),
      hears: z.boolean().optional(),
    }),
    answer: z.union([
      z.object({ index: z.int(), reply: callReplySchema }),
      z.object({ index: z.int(), problem: problemSchema }),
      z.object({ events: z.array(z.looseObject(anyEventSchema.shape)) }),
    ]),
    inLines: true,
  },
  /** What a device that connects must know. */
  snapshot: {
    service: 'calls',
    method: 'POST',
    path: '/internal/snapshot',
    body: z.object({ appId: appIdSchema, userAlias: userAliasSchema }),
    answer: callSnapshotSchema,
  },
  /** The same for several users, in their order. */
  snapshots: {
    service: 'calls',
    method: 'POST',
    path: '/internal/snapshots',
    body: z.object({
      users: z
        .array(ofApp.extend({ userAlias: userAliasSchema }))
        .min(1)
        .max(internalLimits.snapshotsAtOnce),
    }),
    answer: z.object({ snapshots: z.array(callSnapshotSchema) }),
  },
  /** The live sockets of one user. */
  sessionsOf: {
    service: 'presence',
    method: 'GET',
    path: '/internal/apps/:appId/sessions/:userAlias',
    params: ofApp.extend({ userAlias: userAliasSchema }),
    answer: userSessionsSchema,
  },
  /** Where several users are, whoever may see them: that is decided by who asks, by the rule that is told. Those who do not exist are left out. */
  presenceOfSome: {
    service: 'presence',
    method: 'POST',
    path: '/internal/apps/:appId/presence',
    params: ofApp,
    body: z.object({
      userAliases: z
        .array(userAliasSchema)
        .min(1)
        .max(presenceLimits.batch + 1),
    }),
    answer: z.object({ presences: z.array(presenceSchema), visibility: visibilitySchema.prefault({}) }),
  },
} as const satisfies Record<string, InternalEndpoint>;
