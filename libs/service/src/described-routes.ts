import type { KeyScope, ProblemCode } from '@communication-center/contracts';
import type { z } from 'zod';

/** Who may ask a route: keys with a scope, users, the operator, or whoever has no credential. */
export type Asker = KeyScope | 'user' | 'operator' | 'nobody';

/** What the API document says of a route beside what the route itself says: its path, what it parses and its status. */
export interface DescribedRoute<Answer extends string = string> {
  summary: string;
  /** Who may ask it; keys with the scope `admin` may whatever other keys may. A test asks every route as each of them. */
  by: readonly Asker[];
  /** The name of the schema of its answer. */
  answer?: Answer;
  /** Where the answer is no JSON. */
  answersAs?: 'text/event-stream' | 'application/octet-stream';
  /** Why it may refuse, beside what any route refuses for: a faulty request, a credential that is missing or has not the right. */
  refusals?: readonly ProblemCode[];
}

/** The public routes of a service, for the API document. */
export interface DescribedRoutes<Answer extends string = string> {
  /** The bodies that clients send, by their names in the document. */
  sent: Readonly<Record<string, z.ZodType>>;
  /** What clients receive, by its name in the document. */
  received: Readonly<Record<Answer, z.ZodType>>;
  /** By method and path, such as `GET /v1/calls/{callId}`. */
  routes: Readonly<Record<string, DescribedRoute<Answer>>>;
}

/** Describes the public routes of a service: its `api.ts` exports what this returns as `api`. */
export function describeRoutes<Answer extends string>(described: DescribedRoutes<Answer>): DescribedRoutes<Answer> {
  return described;
}
