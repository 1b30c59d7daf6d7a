import { z } from 'zod';

/** So many acts a second on average, and so many at once after a pause: a token bucket. */
export const rateSchema = z.object({
  perSecond: z.number().min(0.01).max(1_000_000).describe('how many there may be a second, on average'),
  burst: z.int().min(1).max(10_000_000).describe('how many there may be at once, after a pause'),
});
export type Rate = z.infer<typeof rateSchema>;

/** Kinds of acts, each counted for itself: whoever reads too much still dials, and whoever dials too much still hangs up. */
export const limitKinds = {
  reads: 'requests that read; over a socket `profiles` and `credentials`',
  writes: 'requests that change something and are of no other kind; over a socket `set_away`',
  dials: 'calls dialed, and people added to calls or rung again',
  call_acts: 'whatever else is done in a call: answers, declines, hang-ups, joins, upgrades',
  tokens: 'user tokens minted',
  sockets: 'sockets that connect, of devices and of services',
  streams: 'streams that are opened',
  watches: 'frames that begin to watch presence',
  endpoints: 'webhook endpoints made, and test events sent to them',
  media_sockets: 'media sockets that join a call',
  media_tests: 'tests of media before a call, in which Janus sends back what comes',
  sip_subscriptions: 'SUBSCRIBEs of phone systems that begin or renew a subscription; a user is an account',
} as const;
export type LimitKind = keyof typeof limitKinds;

/** Whose acts are counted together: all of an app, of one of its API keys, of one of its users, of one client address. */
export const limitHolders = ['app', 'key', 'user', 'address'] as const;
export type LimitHolder = (typeof limitHolders)[number];
export type KindLimits = Partial<Record<LimitHolder, Rate>>;
export type Limits = Record<LimitKind, KindLimits>;

const rate = (perSecond: number, burst: number): Rate => ({ perSecond, burst });

/**
 * What holds unless the operator says otherwise: more than any app that behaves needs, and than one machine of two cores can do.
 * Addresses stand for whoever comes without an API key: servers of many apps may share one.
 */
export const defaultLimits: Limits = {
  reads: { app: rate(2000, 20_000), key: rate(2000, 20_000), user: rate(50, 500), address: rate(2000, 20_000) },
  writes: { app: rate(2000, 20_000), key: rate(2000, 20_000), user: rate(20, 300), address: rate(2000, 20_000) },
  dials: { app: rate(1000, 10_000), key: rate(1000, 10_000), user: rate(20, 300), address: rate(1000, 10_000) },
  call_acts: { app: rate(5000, 50_000), key: rate(5000, 50_000), user: rate(100, 1000), address: rate(5000, 50_000) },
  tokens: { app: rate(1000, 50_000), key: rate(1000, 50_000), address: rate(1000, 50_000) },
  sockets: { app: rate(2000, 50_000), user: rate(20, 1000), address: rate(2000, 50_000) },
  streams: { app: rate(50, 1000), key: rate(50, 1000), user: rate(2, 50), address: rate(100, 2000) },
  watches: { app: rate(1000, 20_000), user: rate(20, 300) },
  endpoints: { app: rate(10, 300), key: rate(10, 300) },
  media_sockets: { app: rate(2000, 50_000), user: rate(20, 1000), address: rate(2000, 50_000) },
  media_tests: { app: rate(20, 400), user: rate(0.05, 6) },
  // A phone system that was started anew asks for all its lamps at once, in the name of one account.
  sip_subscriptions: { app: rate(200, 20_000), user: rate(100, 10_000), address: rate(200, 20_000) },
};

/**
 * Sign-ins that failed. Whoever has as many behind it is refused before anything is asked, but for a credential that was good there
 * a short while ago. An alias counts at one address alone: from elsewhere nobody can lock its user out.
 */
export const signInFailureLimits = { address: rate(20, 500), alias: rate(1, 30) };

/** Calls of an app at a time, from the dial on, unless the operator says otherwise. */
export const simultaneousCallsByDefault = 20_000;
const simultaneousCalls = z.int().min(1).max(1_000_000).describe('calls at a time, from the dial to the end');

/** Bytes that an app stores in users, unless the operator says otherwise: some ten million of them. */
export const storedBytesByDefault = 4_294_967_296;
const storedBytes = z
  .int()
  .min(1000)
  .max(1_000_000_000_000)
  .describe('bytes that the users of the app may come to: aliases, profiles and groups');

const ofKind = z.object({ app: rateSchema, key: rateSchema, user: rateSchema }).partial();

/** What an operator sets of an app's limits. What is left out is as by default; addresses are of no app. */
export const appLimitsSchema = z
  .object({
    reads: ofKind,
    writes: ofKind,
    dials: ofKind,
    call_acts: ofKind,
    tokens: ofKind,
    sockets: ofKind,
    streams: ofKind,
    watches: ofKind,
    endpoints: ofKind,
    media_sockets: ofKind,
    media_tests: ofKind,
    sip_subscriptions: ofKind,
    simultaneousCalls,
    storedBytes,
  } satisfies Record<LimitKind, typeof ofKind> & { simultaneousCalls: z.ZodType; storedBytes: z.ZodType })
  .partial();
export type AppLimits = z.infer<typeof appLimitsSchema>;

const allOfKind = ofKind.extend({ address: rateSchema.optional() });
/** What holds for an app, whoever set it. */
export const limitsViewSchema = z.object({
  reads: allOfKind,
  writes: allOfKind,
  dials: allOfKind,
  call_acts: allOfKind,
  tokens: allOfKind,
  sockets: allOfKind,
  streams: allOfKind,
  watches: allOfKind,
  endpoints: allOfKind,
  media_sockets: allOfKind,
  media_tests: allOfKind,
  sip_subscriptions: allOfKind,
  simultaneousCalls,
  storedBytes,
  bytesStored: z.int().min(0).describe('bytes that its users come to now'),
} satisfies Record<LimitKind, typeof allOfKind> & { simultaneousCalls: z.ZodType; storedBytes: z.ZodType; bytesStored: z.ZodType });
export type LimitsView = z.infer<typeof limitsViewSchema>;

/** @returns what holds for an app of which the operator has set this. */
export function limitsWith(set: AppLimits | undefined): Limits {
  const kinds = Object.keys(limitKinds) as LimitKind[];
  return Object.fromEntries(kinds.map((kind) => [kind, { ...defaultLimits[kind], ...given(set?.[kind]) }])) as Limits;
}

function given(limits: KindLimits = {}): KindLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, set]) => set !== undefined));
}
