import { readFileSync } from 'node:fs';
import { type Chance, hostileValue, mutated } from './chance.js';

interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  default?: unknown;
  anyOf?: Schema[];
}
interface Operation {
  parameters?: { name: string; in: 'path' | 'query'; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export interface HostileRequest {
  method: string;
  target: string;
  body?: Buffer | undefined;
}

/** What ends an app, or takes what lets its people in. */
const ends = /^DELETE \/v1\/apps\/\{appId\}($|\/(api-keys|secrets))|\/suspend$/;
const known = ['alice', 'bob', 'presence', 'who-is-where', '01890000-0000-7000-8000-000000000000'];

/** Makes requests of the API's own document: each route, with values that are right, and more that are not. */
export class HostileRequests {
  readonly #document: Document;
  readonly #operations: { method: string; path: string; operation: Operation }[];

  constructor(
    private readonly chance: Chance,
    private readonly appId: string,
    /** An app whose end is missed by nobody. */
    private readonly victim: string,
  ) {
    this.#document = JSON.parse(readFileSync(new URL('../../docs/protocol/openapi.json', import.meta.url), 'utf8')) as Document;
    const all = Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
    // A stream does not end by itself, and what is revoked or rebuilt is missed by others.
    this.#operations = all.filter(({ path }) => !/stream|rebuild|redrive/.test(path));
  }

  next(): HostileRequest {
    const { method, path, operation } = this.chance.of(this.#operations);
    const { parameters = [], requestBody } = operation;
    // Without the app, or its keys, whatever follows would be refused at the door.
    const appId = ends.test(`${method} ${path}`) ? this.victim : this.appId;
    const asked = path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'appId' && !this.chance.onceIn(6) ? appId : this.#segment()));
    const query = parameters
      .filter((one) => one.in === 'query' && this.chance.onceIn(2))
      .map((one) => `${one.name}=${this.#segment(one.schema)}`);
    const schema = requestBody?.content['application/json']?.schema;
    const target = query.length > 0 ? `${asked}?${query.join('&')}` : asked;
    return { method, target, body: schema ? this.#body(schema) : undefined };
  }

  /** A value in a path or a query: escaped as it should be, or as it should not. */
  #segment(schema?: Schema): string {
    const value = this.chance.onceIn(2)
      ? this.chance.of(known)
      : schema && this.chance.onceIn(2)
        ? this.#value(schema, 0)
        : hostileValue(this.chance);
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    const escaped = encodeURIComponent(text.toWellFormed()) || '%20';
    return this.chance.onceIn(8) ? `${escaped}${this.chance.of(['%00', '%ff', '%', '%c0%80', '%ed%a0%80'])}` : escaped;
  }

  #body(schema: Schema): Buffer {
    const text = JSON.stringify(this.#value(schema, 0));
    return this.chance.onceIn(3) ? mutated(text, this.chance) : Buffer.from(text);
  }

  #value(schema: Schema, depth: number): unknown {
    if (this.chance.onceIn(5) || depth > 6) return hostileValue(this.chance);
    const meant = schema.$ref ? (this.#document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}) : schema;
    if (meant.enum) return this.chance.of(meant.enum);
    if (meant.anyOf) return this.#value(this.chance.of(meant.anyOf), depth + 1);
    switch ([meant.type].flat()[0]) {
      case 'object':
        return Object.fromEntries(
          Object.entries(meant.properties ?? { free: {} })
            .filter(() => !this.chance.onceIn(4))
            .map(([name, field]) => [name, this.#value(field, depth + 1)]),
        );
      case 'array':
        return Array.from({ length: this.chance.below(4) }, () => this.#value(meant.items ?? {}, depth + 1));
      case 'integer':
      case 'number':
        return this.chance.below(120);
      case 'boolean':
        return this.chance.onceIn(2);
      case 'string':
        return this.chance.of(known);
      default:
        return hostileValue(this.chance);
    }
  }
}
