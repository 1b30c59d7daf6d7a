type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What a generator of values should try besides its own: things that are there. */
export interface Known {
  appId: string;
  examples: Readonly<Record<string, string>>;
}

/**
 * @returns the API's document as a generator in Python can use it to the full: paths lead to an app that is there, things have names
 * that somebody has, and patterns that Python does not understand are left out.
 */
export function documentForPython(document: Json, { appId, examples }: Known): Json {
  const schemaOf = (name: string, schema: Json): Json => {
    if (name === 'appId') return { type: 'string', enum: [appId] };
    return schema;
  };
  const visit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(visit);
    if (value === null || typeof value !== 'object') return value;
    const kept = Object.entries(value).filter(([name, part]) => !(name === 'pattern' && typeof part === 'string' && /\\p\{/.test(part)));
    const visited = Object.fromEntries(kept.map(([name, part]) => [name, visit(part)]));
    const { in: place, name } = visited;
    if (typeof place !== 'string' || typeof name !== 'string' || visited.schema === undefined) return visited;
    const example = name === 'appId' ? appId : examples[name];
    return { ...visited, schema: schemaOf(name, visited.schema), ...(example !== undefined && { example }) };
  };
  return visit(document);
}
