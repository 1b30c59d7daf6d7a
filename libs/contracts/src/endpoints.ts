import { z } from 'zod';
import { callTypeSchema } from './call-terms.js';
import { userAliasSchema } from './ids.js';
import { newestPayloadVersion, payloadVersionSchema } from './payload-versions.js';
import { pointSchema, text, webAddress } from './text.js';

/** Limits of one endpoint. */
export const endpointLimits = {
  headers: 20,
  headerBytes: 4096,
  filteredUsers: 100,
  customDataKeys: 10,
  /** Secrets that sign at a time, the newest among them: each is a signature in every request. */
  secrets: 5,
  overlapSeconds: { default: 86_400, max: 604_800 },
} as const;

/** Event types, one or several by `*`. */
export const eventPatternSchema = z
  .string()
  .max(64)
  .regex(/^(\*|[a-z_]+\.[a-z_*]+)$/, 'name a type such as call.ended, or several by * as in call.* and call.upgrade_*; * alone is all');
export const eventPatternsSchema = z
  .array(eventPatternSchema)
  .min(1)
  .max(50)
  .describe('such as call.ended, or call.* for all of calls; GET /v1/event-types lists them');

/** What custom data is compared with. */
export const filterValueSchema = z.union([text().max(512), z.number(), z.boolean(), z.null()]);
export const filtersSchema = z
  .object({
    userAliases: z
      .array(userAliasSchema)
      .min(1)
      .max(endpointLimits.filteredUsers)
      .optional()
      .describe('events of calls in which one of these users has or had a part, and of these users'),
    callTypes: z.array(callTypeSchema).min(1).max(3).optional().describe('events of calls that were dialed with one of these types'),
    customData: z
      .record(text().min(1).max(128), filterValueSchema)
      .refine((wanted) => Object.keys(wanted).length <= endpointLimits.customDataKeys, {
        message: `name at most ${endpointLimits.customDataKeys} keys`,
      })
      .optional()
      .describe('events of calls whose custom data has each of these keys with exactly this value'),
  })
  .describe(
    'which events of these types are told; all of it must hold. What an event can have no part in does not hold it back: an act on record has no call type',
  );
export type EndpointFilters = z.infer<typeof filtersSchema>;

/** Names that the sender writes itself, or that are for one hop alone (RFC 9110 §7.6.1). */
const reservedHeaders = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

function faultOfHeader(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === 'authorization') return 'say it by authentication, which is kept sealed and never shown';
  const isReserved = reservedHeaders.has(lower) || lower.startsWith('webhook-') || lower.startsWith('proxy-') || lower.startsWith(':');
  return isReserved ? 'the sender writes this header itself, or no endpoint may be sent it' : undefined;
}

const headers = z
  .record(
    z
      .string()
      .min(1)
      .max(64)
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'use the letters of a header’s name (RFC 9110 §5.6.2)'),
    z
      .string()
      .max(1024)
      .regex(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/, 'use visible ASCII, without blanks at the ends'),
  )
  .superRefine((given, context) => {
    for (const name of Object.keys(given)) {
      const message = faultOfHeader(name);
      if (message) context.addIssue({ code: 'custom', message, path: [name] });
    }
    const names = Object.keys(given).map((name) => name.toLowerCase());
    if (new Set(names).size < names.length) context.addIssue({ code: 'custom', message: 'name each header once' });
    if (names.length > endpointLimits.headers) context.addIssue({ code: 'custom', message: `name at most ${endpointLimits.headers}` });
    const bytes = Object.entries(given).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    if (bytes > endpointLimits.headerBytes)
      context.addIssue({ code: 'custom', message: `keep them within ${endpointLimits.headerBytes} bytes` });
  })
  .describe('sent with each request as they are');

const token = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[A-Za-z0-9._~+/-]+=*$/, 'use the letters of a bearer token (RFC 6750 §2.1)');
const basicPart = text()
  .max(256)
  .regex(/^\P{Cc}*$/u, 'leave out control characters');
const authentication = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('bearer'), token }),
    z.strictObject({
      type: z.literal('basic'),
      username: basicPart.regex(/^[^:]*$/, 'a user of Basic has no colon (RFC 7617 §2)'),
      password: basicPart,
    }),
  ])
  .nullable()
  .describe('what the receiver wants as Authorization; kept sealed, and never shown');
export type EndpointAuthentication = z.infer<typeof authentication>;

const pemText = z
  .string()
  .max(16_384)
  .regex(/^[\x20-\x7e\r\n\t]*$/, 'send it as PEM');
const certificates = pemText.regex(/^\s*-----BEGIN CERTIFICATE-----/, 'send it as PEM, beginning with -----BEGIN CERTIFICATE-----');
const privateKey = pemText.regex(
  /^\s*-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/,
  'send it as PEM, beginning with -----BEGIN PRIVATE KEY-----, without a passphrase',
);
const clientCertificate = z
  .object({
    certificate: certificates.describe('PEM, with the certificates between it and the authority after it'),
    privateKey: privateKey.describe('PEM, without a passphrase'),
    serverAuthority: certificates
      .optional()
      .describe('PEM of those who sign the receiver’s certificate, in place of the world’s authorities'),
  })
  .nullable()
  .describe('by which the Center proves itself to the receiver (mutual TLS); kept sealed, and never shown');
export type ClientCertificate = z.infer<typeof clientCertificate>;

const fields = {
  url: webAddress(),
  description: text().max(200),
  eventTypes: eventPatternsSchema,
  filters: filtersSchema,
  headers,
  authentication,
  clientCertificate,
  timeoutMs: z
    .int()
    .min(500)
    .max(60_000)
    .nullable()
    .describe('how long the receiver has to answer, at most as long as the installation waits, which is what holds where it is null'),
  ratePerSecond: z
    .number()
    .min(0.01)
    .max(10_000)
    .nullable()
    .describe('requests a second at most, on average; null for as many as there are'),
  concurrency: z.int().min(1).max(100).nullable().describe('requests under way at a time; null for as many as the installation allows'),
  ordering: z
    .enum(['per_subject', 'strict', 'none'])
    .describe(
      'per_subject: events of a call, or of a user, go out in order, and one that fails is tried again beside the others; strict: the next one waits until it was delivered or given up; none: in any order',
    ),
  payloadVersion: payloadVersionSchema.describe(
    'in which version the data of events is told; an endpoint keeps the one that it was made with',
  ),
  bodyFormat: z
    .enum(['standard_webhooks', 'cloudevents'])
    .describe('standard_webhooks: {type, timestamp, data}; cloudevents: CloudEvents 1.0 as JSON, with the same data'),
};

const signature = z
  .enum(['v1', 'v1a'])
  .describe('v1: HMAC-SHA256 with a secret that both know; v1a: Ed25519, for which the receiver needs the public key alone');

/** Body of POST /v1/webhook-endpoints. */
export const endpointBodySchema = z.object({
  ...fields,
  description: fields.description.default(''),
  eventTypes: fields.eventTypes.default(['call.*']),
  filters: fields.filters.default({}),
  headers: fields.headers.default({}),
  authentication: fields.authentication.default(null),
  clientCertificate: fields.clientCertificate.default(null),
  timeoutMs: fields.timeoutMs.default(null),
  ratePerSecond: fields.ratePerSecond.default(null),
  concurrency: fields.concurrency.default(null),
  ordering: fields.ordering.default('per_subject'),
  payloadVersion: fields.payloadVersion.default(newestPayloadVersion),
  bodyFormat: fields.bodyFormat.default('standard_webhooks'),
  signature: signature.default('v1'),
  from: pointSchema
    .optional()
    .describe(
      'from where on it is told: end, where this is left out, start, a moment, the cursor of an event, or the position of a message',
    ),
});
export type EndpointBody = z.infer<typeof endpointBodySchema>;

/** Body of PATCH /v1/webhook-endpoints/{endpointId}: what is left out stays; each field that is given takes the place of the whole one. */
export const endpointPatchSchema = z.object(fields).partial();
export type EndpointPatch = z.infer<typeof endpointPatchSchema>;

export const endpointViewSchema = z.object({
  ...fields,
  authentication: z
    .discriminatedUnion('type', [z.object({ type: z.literal('bearer') }), z.object({ type: z.literal('basic'), username: z.string() })])
    .nullable()
    .describe('without what is secret of it'),
  clientCertificate: z
    .object({
      subject: z.string(),
      fingerprint256: z.string(),
      notAfter: z.iso.datetime(),
      hasServerAuthority: z.boolean().describe('whether the receiver’s certificate is judged by authorities of the endpoint’s own'),
    })
    .nullable()
    .describe('what may be known of it'),
  signature,
  endpointId: z.uuid(),
  disabledAt: z.iso.datetime().nullable(),
  disabledReason: z.string().nullable(),
  createdAt: z.iso.datetime(),
  secret: z.string().optional().describe('whsec_…, shown once, when the endpoint is made or its secret rotated; none of v1a'),
  publicKey: z.string().nullable().describe('whpk_…, by which signatures of v1a are verified; null with v1'),
  earlierSecretsUntil: z.iso.datetime().nullable().describe('until when secrets from before sign beside the newest; null where none does'),
});
export type EndpointView = z.infer<typeof endpointViewSchema>;

/** Body of POST /v1/webhook-endpoints/{endpointId}/enable. */
export const endpointEnablingSchema = z.object({
  from: pointSchema
    .optional()
    .describe(
      'from where it goes on, where that is not where it is: start, end, a moment, the cursor of an event, or the position of a message. What waits to be tried again is tried all the same; what was given up is not: see jobs',
    ),
});
export type EndpointEnabling = z.infer<typeof endpointEnablingSchema>;

/** Body of POST /v1/webhook-endpoints/{endpointId}/secrets/rotate. */
export const secretRotationSchema = z.object({
  overlapSeconds: z
    .int()
    .min(0)
    .max(endpointLimits.overlapSeconds.max)
    .default(endpointLimits.overlapSeconds.default)
    .describe('for so long requests are signed with the secrets from before as well, at most; 0 where they must not be used any more'),
  signature: signature.optional().describe('another kind of signature from now on'),
});
export type SecretRotation = z.infer<typeof secretRotationSchema>;

/** Body of POST /v1/webhook-endpoints/{endpointId}/test. */
export const endpointTestSchema = z.object({
  eventType: z
    .string()
    .max(64)
    .regex(/^[a-z_]+\.[a-z_]+$/, 'name a type such as call.ended')
    .default('endpoint.test')
    .describe('whose example of GET /v1/event-types is sent, with `test: true` in its data'),
});
export type EndpointTest = z.infer<typeof endpointTestSchema>;
export const endpointTestedSchema = z.object({
  messageId: z.uuid().describe('the webhook-id header'),
  status: z.int().nullable().describe('HTTP status; null when no answer came'),
  error: z.string().nullable(),
  durationMs: z.int(),
});
export type EndpointTested = z.infer<typeof endpointTestedSchema>;
