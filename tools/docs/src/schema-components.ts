import { z } from 'zod';

/** @returns a reference to a component. */
export const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/**
 * Makes named schemas components that refer to each other, and says what evolution allows: what the Center tells may have more
 * fields than are known, and of what it is told a field that it does not know is refused.
 * @param io `input` for what clients send, `output` for what they receive.
 */
export function componentsOf(schemas: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Record<string, object> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, {
    io,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    uri: (id) => refTo(id).$ref,
    override: ({ jsonSchema }) => {
      if (jsonSchema.properties) jsonSchema.additionalProperties = io === 'output';
    },
  });
  const components = Object.fromEntries(Object.entries(made.schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]));
  // zod puts recursive parts into a document of their own: each becomes a component like the others.
  const shared = (components.__shared as { $defs?: Record<string, object> } | undefined)?.$defs ?? {};
  const { __shared: _, ...named } = components;
  const all = { ...named, ...Object.fromEntries(Object.entries(shared).map(([name, schema]) => [nameOf(name, io), schema])) };
  const text = JSON.stringify(all).replace(
    /#\/components\/schemas\/__shared#\/\$defs\/(\w+)/g,
    (_, name: string) => refTo(nameOf(name, io)).$ref,
  );
  return JSON.parse(text) as Record<string, object>;
}

const nameOf = (shared: string, io: 'input' | 'output') => `${io === 'input' ? 'Sent' : 'Received'}Json${shared.replace(/\D/g, '')}`;
