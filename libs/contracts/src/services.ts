import { z } from 'zod';
import { type InternalEndpoint, internal } from './internal.js';
import registry from './services.json' with { type: 'json' };
import { type Topic, topics } from './topics.js';

const topicSchema = z.enum(Object.keys(topics) as [Topic, ...Topic[]]);
/** A path, in which a segment in braces stands for any one: `/v1/calls/{callId}/recordings`. */
const resourceSchema = z.string().regex(/^\/v1(\/([a-z-]+|\{[a-zA-Z]+\}))+$/);
/** How a resource is passed on: as a whole within seconds, as an answer that goes on and on, as a body of any size, or as a WebSocket. */
const kindSchema = z.enum(['short', 'stream', 'transfer', 'socket']);
const ownedSchema = z.union([
  resourceSchema.transform((path) => ({ path, kind: 'short' as const })),
  z.strictObject({ path: resourceSchema, kind: kindSchema }),
]);
const internalSchema = z.enum(Object.keys(internal) as [keyof typeof internal, ...(keyof typeof internal)[]]);
const settingSchema = z.string().regex(/^[A-Z][A-Z_]*$/);

const serviceSchema = z.strictObject({
  /** Its folder under `apps/`, its schema in PostgreSQL, and its name in identity tokens, logs and metrics. */
  name: z.string().regex(/^[a-z]+$/),
  about: z.string().min(1),
  /** Whether a fleet may do without it. */
  isOptional: z.boolean().default(false),
  /** The setting that says on which port it is reached from outside; most are reached through the gateway alone. */
  door: settingSchema.optional(),
  /** What it answers of the public REST interface, besides its operations. The most specific resource owns a path. */
  resources: z.array(ownedSchema).default([]),
  /** The topics it reads and writes, in the order of the alphabet. */
  reads: z.array(topicSchema).default([]),
  writes: z.array(topicSchema).default([]),
  /** The internal endpoints of other services that it may ask, in the order of the alphabet: those refuse whoever does not say so. */
  asks: z.array(internalSchema).default([]),
  /** What it folds from topics and can fold anew. */
  projections: z.array(z.string()).default([]),
  /** What it needs besides PostgreSQL and Kafka, which every service has. */
  servers: z.array(z.enum(['redis', 'janus'])).default([]),
  /** Its settings that are secrets, and which of a local fleet's secrets each is. */
  secrets: z.record(settingSchema, z.string()).default({}),
  /** What a local fleet sets besides; `{root}` is the project's folder, `{folder}` that of the fleet, and `{doors of media}` where the sockets of a service's replicas are opened. */
  local: z.record(settingSchema, z.string()).default({}),
  /** Its settings that whoever starts a local fleet may give, and in which variables. */
  overrides: z.record(settingSchema, settingSchema).default({}),
});

export type ResourceKind = z.infer<typeof kindSchema>;

/** What the house knows of a service. */
export type ServiceEntry = z.infer<typeof serviceSchema>;

/** Every service there is, but for those that only tests add. */
export const services: readonly ServiceEntry[] = z.array(serviceSchema).parse(registry);

/** @returns the setting in which others are told where a service answers, such as `CALLS_URL`. */
export function addressSettingOf(service: string): string {
  return `${service.toUpperCase()}_URL`;
}

const callers = new Map(
  Object.entries(internal).map(([name, endpoint]): [InternalEndpoint, string[]] => [
    endpoint,
    services.filter(({ asks }) => asks.some((one) => one === name)).map((service) => service.name),
  ]),
);

/** @returns the services that may ask an internal endpoint. */
export function callersOf(endpoint: InternalEndpoint): readonly string[] {
  return callers.get(endpoint) ?? [];
}
