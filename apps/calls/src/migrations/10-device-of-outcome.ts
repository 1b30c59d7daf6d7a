import { type Migration, sqlMigration } from '@communication-center/service';

/** On which device an outcome came about, where the user's other devices tell it another way: nobody decides that while reading. */
export const deviceOfOutcome: Migration = sqlMigration('DeviceOfOutcome1764079200100', [
  'ALTER TABLE call_parts ADD COLUMN device_id text',
  `UPDATE call_parts SET device_id = part->>'deviceId'
   FROM call_history, jsonb_array_elements(call_history.parts) AS part
   WHERE call_history.call_id = call_parts.call_id AND part->>'userAlias' = call_parts.user_alias AND part->>'outcome' = call_parts.outcome
     AND part->>'role' = 'callee' AND call_parts.outcome IN ('answered', 'declined') AND part->>'deviceId' IS NOT NULL`,
]);
