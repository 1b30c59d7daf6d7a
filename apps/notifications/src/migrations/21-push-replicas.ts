import { type Migration, sqlMigration } from '@communication-center/service';

/** `push_replicas`: until when each replica that is at pushes says that it lives: until then nobody takes what it has claimed. */
export const pushReplicas: Migration = sqlMigration('PushReplicas1764770000090', [
  'CREATE TABLE push_replicas (replica uuid PRIMARY KEY, lives_until timestamptz NOT NULL) WITH (fillfactor = 10)',
]);
