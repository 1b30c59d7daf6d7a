import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { type ConnectionKind, connectionKinds, roleOf, sessionSettings } from './connection-kinds.js';
import { asRole } from './postgres.js';

interface Roles {
  /** As pooled connections sign in: names the user whose roles these are, and their password. */
  url: string;
  direct: string;
  schema: string;
}

/**
 * Makes the roles that pooled connections sign in as behind a transaction-mode pooler, one for each kind: what a connection is
 * told at its start elsewhere, the role carries. A session of such a role acts as the owner of the schema, so that everything
 * made belongs to the one role, and nothing is to be granted. Those that are right already are left alone.
 * @throws Error with the statements to run by hand, where the direct connection's role may not make roles.
 */
export async function ensureRoles(runner: QueryRunner, roles: Roles): Promise<void> {
  const { username, password } = new URL(roles.url);
  const [{ owner }] = await runner.query('SELECT current_user AS owner');
  const wrong: Role[] = [];
  for (const kind of connectionKinds) {
    const name = roleOf(decodeURIComponent(username), roles.schema, kind);
    const settings = { role: owner, ...sessionSettings(roles.schema, kind) };
    const [found]: { config: string[] | null }[] = await runner.query('SELECT rolconfig AS config FROM pg_roles WHERE rolname = $1', [
      name,
    ]);
    const isSet = Object.entries(settings).every(([setting, value]) => found?.config?.includes(`${setting}=${value}`));
    if (!isSet || !(await canSignIn(roles, kind))) wrong.push({ name, owner, settings, exists: found !== undefined });
  }
  if (wrong.length > 0) await make(runner, wrong.flatMap(roleStatements), scramVerifier(decodeURIComponent(password)));
}

interface Role {
  name: string;
  owner: string;
  settings: Record<string, string>;
  exists: boolean;
}

const passwordMark = '<password>';

function roleStatements({ name, owner, settings, exists }: Role): string[] {
  const role = pg.escapeIdentifier(name);
  return [
    `${exists ? 'ALTER' : 'CREATE'} ROLE ${role} LOGIN PASSWORD '${passwordMark}'`,
    `GRANT ${pg.escapeIdentifier(owner)} TO ${role}`,
    ...Object.entries(settings).map(([setting, value]) => `ALTER ROLE ${role} SET ${setting} = ${pg.escapeLiteral(value)}`),
  ];
}

async function make(runner: QueryRunner, statements: string[], password: string): Promise<void> {
  await runner.startTransaction();
  try {
    for (const statement of statements) await runner.query(statement.replace(passwordMark, password));
    await runner.commitTransaction();
  } catch (error) {
    await runner.rollbackTransaction();
    // The cause is not passed on: it holds the statement, and so what stands for the password.
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `A role could not be made (${reason}). As an administrator run, with the password of DATABASE_URL:\n${statements.join(';\n')};`,
    );
  }
}

async function canSignIn({ url, direct, schema }: Roles, kind: ConnectionKind): Promise<boolean> {
  const { username, password } = new URL(asRole(url, schema, kind));
  const as = new URL(direct);
  Object.assign(as, { username, password });
  const client = new pg.Client({ connectionString: as.href, connectionTimeoutMillis: 3000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code?.startsWith('28')) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @returns what PostgreSQL keeps in place of a password, so that the password itself is in no statement and no log. */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const iterations = 4096;
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}
