import { type ProblemCode, problems } from '@communication-center/contracts';
import { services } from '@communication-center/contracts/services';
import type { Asker, DescribedRoute, DescribedRoutes } from '@communication-center/service';
import { z } from 'zod';
import type { PublicRoute } from './public-routes.js';
import { componentsOf, refTo } from './schema-components.js';

const json = (name: string) => ({ 'application/json': { schema: refTo(name) } });
const problem = { 'application/problem+json': { schema: refTo('Problem') } };

const serviceName = z.enum(services.map(({ name }) => name) as [string, ...string[]]);

function schemaOf(schema: z.ZodType): { properties?: Record<string, object>; required?: string[] } {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest as object;
}

function parametersOf({ path, params, query, isIdempotent }: PublicRoute): object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const schema = name === 'service' ? serviceName : params[name];
    if (!schema) throw new Error(`${path}: ${name} is parsed by no schema. Use @PathParam`);
    return { name, in: 'path', required: true, schema: schemaOf(schema) };
  });
  const { properties = {}, required = [] } = query ? schemaOf(query) : {};
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    ...(required.includes(name) && { required: true }),
    schema,
  }));
  const header = {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'stands for commandId: a repeat with the same key gets the first reply',
    schema: { type: 'string' },
  };
  return [...inPath, ...inQuery, ...(isIdempotent ? [header] : [])];
}

/** Why any route of its kind may refuse, then why this one may: whoever has no credential hears that before anything else. */
function refusalsOf(route: PublicRoute, own: readonly ProblemCode[]): Record<string, object> {
  const parses = route.body || route.query || Object.keys(route.params).length > 0;
  const codes: ProblemCode[] = [
    'unauthenticated',
    'forbidden',
    ...(parses ? (['invalid_request'] as const) : []),
    ...(route.body ? (['payload_too_large'] as const) : []),
    ...own,
    'rate_limited',
    'service_unavailable',
    'internal_error',
  ];
  const byStatus = Map.groupBy([...new Set(codes)], (code) => problems[code].status);
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, { description: some.join(', '), content: problem }]));
}

function nameOfBody({ method, path, body }: PublicRoute, sent: DescribedRoutes['sent']): string | undefined {
  if (!body) return undefined;
  const name = Object.keys(sent).find((one) => sent[one] === body);
  if (!name) throw new Error(`${method} ${path}: its body has no name in its service's api.ts`);
  return name;
}

function operationOf(route: PublicRoute, about: DescribedRoute, sent: DescribedRoutes['sent']): object {
  const { summary, by, answer, answersAs, refusals = [] } = about;
  const parameters = parametersOf(route);
  const body = nameOfBody(route, sent);
  const content = answersAs ? { [answersAs]: { schema: { type: 'string' } } } : answer && json(answer);
  return {
    operationId: operationIdOf(route),
    tags: [route.owner],
    summary,
    description: `For ${by.map(wordsFor).join(', or ')}.`,
    'x-for': by,
    ...(route.isOpenToNobody && { security: [{ bearer: [] }, {}] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: route.needsBody ?? isNeeded(route.body), content: json(body) } }),
    responses: { [route.status]: { description: 'Done', ...(content && { content }) }, ...refusalsOf(route, refusals) },
  };
}

function wordsFor(asker: Asker): string {
  switch (asker) {
    case 'user':
      return 'a user';
    case 'operator':
      return 'the operator';
    case 'nobody':
      return 'nobody in particular, in an app that trusts a bare alias';
    default:
      return `an API key with the scope ${asker}`;
  }
}

/** Whether nothing is not enough of a body. */
function isNeeded(body: z.ZodType | undefined): boolean {
  return body !== undefined && !body.safeParse({}).success;
}

function operationIdOf({ method, path }: PublicRoute): string {
  const words = path.replace(/^\/v1\//, '').split(/[/{}-]+/);
  return [method.toLowerCase(), ...words.filter((word) => word !== '').map((word) => word[0]?.toUpperCase() + word.slice(1))].join('');
}

/** @returns the REST API as OpenAPI 3.1. @throws Error that names each route without a description, and each description without a route. */
export function openApi(routes: readonly PublicRoute[], { sent, received, routes: described }: DescribedRoutes): object {
  const byName = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const lacking = [...byName.keys()].filter((name) => !described[name]);
  const left = Object.keys(described).filter((name) => !byName.has(name));
  if (lacking.length > 0) throw new Error(`These routes are not described in their service's api.ts: ${lacking.join(', ')}`);
  if (left.length > 0) throw new Error(`These are described in an api.ts, and no service has them: ${left.join(', ')}`);
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, about] of Object.entries(described)) {
    const route = byName.get(name) as PublicRoute;
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route, about, sent) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Communication Center', version: '1', description: 'Send an API key, or a user token, as Authorization: Bearer …' },
    servers: [{ url: '/', description: 'the gateway' }],
    tags: [...new Set(routes.map(({ owner }) => owner))].sort().map((name) => ({ name, description: aboutOf(name) })),
    paths,
    components: {
      schemas: { ...componentsOf(sent, 'input'), ...componentsOf(received, 'output') },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ bearer: [] }],
  };
}

function aboutOf(owner: string): string {
  return services.find(({ name }) => name === owner)?.about ?? 'what an operator asks of any service';
}
