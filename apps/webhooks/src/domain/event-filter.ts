import type { CallType, EndpointFilters } from '@communication-center/contracts';

/** Which events an endpoint wants. */
export interface Wish {
  /** Patterns such as `call.ended`, `call.*` and `*`. */
  eventTypes: readonly string[];
  filters: EndpointFilters;
}

/** What is fixed of a call from its dial on. */
export interface CallFacts {
  callType: CallType;
  customData: Readonly<Record<string, unknown>> | undefined;
}

/** What a filter is asked of. */
export interface Told {
  type: string;
  data: unknown;
  /** Of the call, for an event of one; undefined where nobody needs them, or nothing is known of the call. */
  call: CallFacts | undefined;
}

const isOfCall = (type: string) => type.startsWith('call.');

/** Whether an endpoint wants events of a type: `call.ended` exactly, `call.*` for all of a kind, `*` for all. */
export function wantsType(eventTypes: readonly string[], type: string): boolean {
  return eventTypes.some((pattern) => matches(pattern, type));
}

/** Whether an endpoint wants an event. Of a call about which nothing is known, it is told rather than not. */
export function wants({ eventTypes, filters }: Wish, { type, data, call }: Told): boolean {
  if (!wantsType(eventTypes, type)) return false;
  const { userAliases, callTypes, customData } = filters;
  if (userAliases && !isAbout(data, userAliases)) return false;
  if (!call || !isOfCall(type)) return true;
  if (callTypes && !callTypes.includes(call.callType)) return false;
  return Object.entries(customData ?? {}).every(([key, value]) => {
    const given = call.customData;
    return given !== undefined && Object.hasOwn(given, key) && given[key] === value;
  });
}

/** Whether a filter asks for what only the dial of a call says. */
export function needsCallFacts({ filters }: Wish): boolean {
  return filters.callTypes !== undefined || filters.customData !== undefined;
}

/** Takes `*` for any letters, as often as it stands there. Its time is the lengths' product at most. */
function matches(pattern: string, type: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === type;
  if (star === pattern.length - 1) return type.startsWith(pattern.slice(0, star));
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.pop() ?? '';
  if (!type.startsWith(start) || !type.endsWith(end) || type.length < start.length + end.length) return false;
  let from = start.length;
  for (const part of rest) {
    const found = type.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= type.length - end.length;
}

/** An event of a call names everyone who ever had a part in it; one of a user, the user. Acts on record are nobody's. */
function isAbout(data: unknown, userAliases: readonly string[]): boolean {
  const { audience, userAlias } = data as { audience?: unknown; userAlias?: unknown };
  if (Array.isArray(audience)) return audience.some((alias) => userAliases.includes(String(alias)));
  return typeof userAlias !== 'string' || userAliases.includes(userAlias);
}
