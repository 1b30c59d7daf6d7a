import { z } from 'zod';

/** A name of an enumeration that this release does not know, as the Center told it. */
export type NewName = string & Record<never, never>;

type IsUnion<T, All = T> = (T extends All ? ([All] extends [T] ? never : true) : never) extends never ? false : true;
type Tag = 'type' | 'state' | 'status';
/** Of a union, the keys that all of it has. */
type SharedKeys<O> = keyof O;

type ToldName<S extends string> = [S] extends [never] ? never : IsUnion<S> extends true ? S | NewName : S;
/** Free data, such as `customData`, is the integrator's own. */
type ToldVariant<O> = O extends readonly (infer Element)[] ? Told<Element>[] : string extends keyof O ? O : { [K in keyof O]: Told<O[K]> };
type UnknownVariant<O> =
  IsUnion<O> extends true
    ? { [K in SharedKeys<O>]: K extends Tag ? 'unknown' : K extends 'data' ? unknown : Told<O[K]> } & { named: string }
    : never;
type ToldObject<O> = [O] extends [never] ? never : ToldVariant<O> | UnknownVariant<O>;

/**
 * What the Center tells, as a client of any release may meet it: an enumeration may have a {@link NewName}; of things told
 * apart by a tag (a call by `status`, a person's part by `state`, a frame or event by `type`) there may be one whose tag is
 * `unknown`, with its own word in `named` and what all of them share.
 */
export type Told<T> = ToldName<Extract<T, string>> | ToldObject<Extract<Exclude<T, string>, object>> | Exclude<T, string | object>;

/**
 * Makes, of the schema by which the Center writes, the one by which a client reads: open to what later releases add. Fields
 * it does not know are left out, limits and formats of texts and lists are the writer's, and names may be new. Numbers keep
 * their limits, so that an event whose `dataversion` is newer is `unknown` rather than misread.
 * @throws Error for a kind of schema nothing that is told has: a programmer's mistake.
 */
export function toldSchema<S extends z.ZodType>(schema: S): z.ZodType<Told<z.output<S>>> {
  return opened(schema) as unknown as z.ZodType<Told<z.output<S>>>;
}

function opened(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodDiscriminatedUnion) return withUnknown(schema);
  if (schema instanceof z.ZodObject) return z.object(openedShape(schema.shape));
  if (schema instanceof z.ZodArray) return z.array(opened(schema.element));
  if (schema instanceof z.ZodRecord) return z.record(z.string(), opened(schema.valueType));
  if (schema instanceof z.ZodUnion) return z.union(schema.options.map(opened));
  if (schema instanceof z.ZodIntersection) return z.intersection(opened(schema.def.left), opened(schema.def.right));
  if (schema instanceof z.ZodOptional) return opened(schema.unwrap()).optional();
  if (schema instanceof z.ZodNullable) return opened(schema.unwrap()).nullable();
  if (schema instanceof z.ZodEnum || schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) return z.string();
  if (schema instanceof z.ZodLazy) return z.unknown();
  const asItIs = [z.ZodLiteral, z.ZodNumber, z.ZodBoolean, z.ZodNull, z.ZodUnknown];
  if (asItIs.some((kind) => schema instanceof kind)) return schema as z.ZodType;
  throw new Error(`Nothing that is told has a schema of type ${schema._zod.def.type}`);
}

function openedShape(shape: z.core.$ZodShape): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(shape).map(([field, schema]) => [field, opened(schema)]));
}

function withUnknown(union: z.ZodDiscriminatedUnion): z.ZodType {
  const tag = union.def.discriminator;
  const options = union.options as z.ZodObject[];
  const known = z.discriminatedUnion(tag, options.map((option) => opened(option)) as [z.ZodObject, ...z.ZodObject[]]);
  const unknown = z
    .object({ ...sharedShape(options), [tag]: z.string() })
    .transform((told) => ({ ...told, named: told[tag], [tag]: 'unknown' }));
  return z.union([known, unknown]);
}

/**
 * What every variant has. Objects may differ inside, and are left to whoever knows the variant; a number may be beyond the
 * limits of those that are known, as the `dataversion` of a newer event is.
 */
function sharedShape(options: readonly z.ZodObject[]): Record<string, z.ZodType> {
  const [first, ...others] = options.map(({ shape }) => shape);
  const shared = Object.entries(first ?? {}).filter(([field]) => others.every((other) => field in other));
  return Object.fromEntries(shared.map(([field, schema]) => [field, sharedSchema(schema as z.ZodType)]));
}

function sharedSchema(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodObject) return z.unknown();
  return schema instanceof z.ZodNumber ? z.number() : opened(schema);
}
