import type { DatabaseSettings } from '../settings.js';
import type { Migration } from './migrations.js';

export interface MigrateOptions {
  settings: DatabaseSettings;
  schema: string;
  migrations: Migration[];
  /** Told what is waited for. */
  warn: (message: string) => void;
  /** How long a migration tries to get the locks it needs. */
  patienceMs?: number;
}

/** @returns where no pooler is between: locks of the session hold there. */
export function directUrl(settings: DatabaseSettings): string {
  return settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL;
}
