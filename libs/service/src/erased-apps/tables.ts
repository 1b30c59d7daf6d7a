/** Which apps were deleted, and whether all that they stored in this service has gone; in a service's schema, by a migration of its. */
export const erasedAppsTables = [
  `CREATE TABLE erased_apps (
     app_id text PRIMARY KEY,
     erased_at timestamptz NOT NULL,
     done_at timestamptz
   )`,
  'CREATE INDEX erased_apps_left ON erased_apps (erased_at) WHERE done_at IS NULL',
];

/** By which the last one is found; for a migration of its own. */
export const erasedAppsByTime = { erased_apps_by_time: 'ON erased_apps (erased_at)' };
