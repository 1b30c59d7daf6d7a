import type { Sql } from '../database.js';
import { InfrastructureError } from '../failures.js';
import { shadowOf } from './tables.js';

interface Named {
  name: string;
  definition: string;
}

/**
 * Makes an empty table in the shadow schema that is like one of the service's in everything, names of constraints and
 * indexes included: it takes the other's place later, and migrations go on calling its parts by their names.
 */
export async function makeShadow(tx: Sql, schema: string, table: string): Promise<void> {
  const [live, shadow] = [`${schema}.${table}`, `${shadowOf(schema)}.${table}`];
  await tx.query(`DROP TABLE IF EXISTS ${shadow}`);
  await tx.query(`CREATE TABLE ${shadow} (LIKE ${live} INCLUDING ALL EXCLUDING INDEXES)`);
  for (const { name, definition } of await constraintsOf(tx, live)) {
    await tx.query(`ALTER TABLE ${shadow} ADD CONSTRAINT ${name} ${definition}`);
  }
  for (const { definition } of await indexesOf(tx, live)) await tx.query(definition.replace(` ON ${live} `, ` ON ${shadow} `));
  for (const statement of await grantsOf(tx, live, shadow)) await tx.query(statement);
}

/** Whether a shadow exists and has the columns and indexes of its table: a migration may have come between. */
export async function hasShadow(sql: Sql, schema: string, table: string): Promise<boolean> {
  const shapeOf = (of: string) => `(
    SELECT array_agg(part ORDER BY part) FROM (
      SELECT column_name || ' ' || data_type FROM information_schema.columns WHERE table_schema = ${of} AND table_name = $3
      UNION ALL
      SELECT 'index ' || index.relname FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_class AS owner ON owner.oid = indrelid
      WHERE owner.relnamespace = to_regnamespace(${of}) AND owner.relname = $3 AND indisvalid
    ) AS parts(part))`;
  const { rows } = await sql.query<{ same: boolean }>(`SELECT coalesce(${shapeOf('$1::text')} = ${shapeOf('$2::text')}, false) AS same`, [
    schema,
    shadowOf(schema),
    table,
  ]);
  return rows[0]?.same ?? false;
}

/**
 * Puts the shadow in the place of the table.
 * @throws InfrastructureError when a migration has changed the table since: the shadow is made anew then.
 */
export async function takePlace(tx: Sql, schema: string, table: string): Promise<void> {
  // Whoever builds an index beside the traffic is waited for, so that it is seen here or comes to the new table.
  await tx.query(`LOCK TABLE ${schema}.${table} IN ACCESS EXCLUSIVE MODE`);
  if (!(await hasShadow(tx, schema, table))) throw new InfrastructureError(`${table} has changed since its rebuild began`);
  await tx.query(`DROP TABLE ${schema}.${table}`);
  await tx.query(`ALTER TABLE ${shadowOf(schema)}.${table} SET SCHEMA ${schema}`);
}

async function constraintsOf(tx: Sql, table: string): Promise<Named[]> {
  const { rows } = await tx.query<Named>(
    `SELECT quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE conrelid = $1::regclass AND contype IN ('p', 'u', 'x')`,
    [table],
  );
  return rows;
}

async function indexesOf(tx: Sql, table: string): Promise<Named[]> {
  const { rows } = await tx.query<Named>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
     WHERE indrelid = $1::regclass AND indisvalid AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)`,
    [table],
  );
  return rows;
}

/** @returns what gives the shadow the settings, rights and owner of its table. */
async function grantsOf(tx: Sql, live: string, shadow: string): Promise<string[]> {
  const { rows } = await tx.query<{ statement: string }>(
    `SELECT format('ALTER TABLE ${shadow} SET (%s)', array_to_string(reloptions, ', ')) AS statement
     FROM pg_class WHERE oid = $1::regclass AND reloptions IS NOT NULL
     UNION ALL
     SELECT format('GRANT %s ON ${shadow} TO %s', privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
     FROM pg_class, aclexplode(relacl) WHERE oid = $1::regclass AND grantee <> relowner
     UNION ALL
     SELECT format('ALTER TABLE ${shadow} OWNER TO %s', relowner::regrole)
     FROM pg_class WHERE oid = $1::regclass AND relowner <> current_user::regrole`,
    [live],
  );
  return rows.map(({ statement }) => statement);
}
