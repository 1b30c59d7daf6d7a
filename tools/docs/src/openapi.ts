import { z } from 'zod';
import { type RestOperation, received, restOperations, sent } from './rest-operations.js';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string) => ({ 'application/json': { schema: ref(name) } });

/** Named schemas as components that refer to each other. */
function componentsOf(schemas: Record<string, z.ZodType>, io: 'input' | 'output'): Record<string, object> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { io, target: 'draft-2020-12', unrepresentable: 'any', uri: (id) => ref(id).$ref });
  const components = Object.fromEntries(Object.entries(made.schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]));
  // zod puts recursive parts into a document of their own, which here is a component like the others.
  return JSON.parse(JSON.stringify(components).replaceAll('__shared#/', '__shared/')) as Record<string, object>;
}

function parametersOf({ path, query, idempotent }: RestOperation): object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const asked = query ? z.toJSONSchema(query, { io: 'input' }).properties : {};
  const inQuery = Object.entries(asked ?? {}).map(([name, schema]) => ({ name, in: 'query', schema }));
  const header = {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'stands for commandId: a repeat with the same key gets the first reply',
    schema: { type: 'string' },
  };
  return [...inPath, ...inQuery, ...(idempotent ? [header] : [])];
}

function operationOf(operation: RestOperation): object {
  const { tag, summary, body, answer, status } = operation;
  const parameters = parametersOf(operation);
  return {
    tags: [tag],
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: json(body) } }),
    responses: {
      [status]: { description: 'Done', ...(answer && { content: json(answer) }) },
      default: { description: 'Refused', content: { 'application/problem+json': { schema: ref('Problem') } } },
    },
  };
}

/** @returns the REST API as OpenAPI 3.1. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of restOperations) paths[operation.path] = { ...paths[operation.path], [operation.method]: operationOf(operation) };
  return {
    openapi: '3.1.0',
    info: { title: 'Communication Center', version: '1', description: 'Send an API key, or a user token, as Authorization: Bearer …' },
    paths,
    components: {
      schemas: { ...componentsOf(sent, 'input'), ...componentsOf(received, 'output') },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ bearer: [] }],
  };
}
