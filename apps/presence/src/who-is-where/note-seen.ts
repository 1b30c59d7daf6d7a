import type { SendAhead } from '@communication-center/event-log';
import type { Changed } from './end-keys.js';

/** Notes signs of life, in one order for all: two sessions of a device may be told by two partitions at once. */
export function noteSeen(ahead: SendAhead, changed: readonly Changed[]): void {
  const signs = changed.flatMap(({ appId, userAlias, seen }) => (seen ? [{ appId, userAlias, ...seen }] : []));
  if (signs.length === 0) return;
  ahead(
    `INSERT INTO seen_devices (app_id, user_alias, device_id, platform, last_seen_at)
     SELECT app_id, user_alias, device_id, max(platform), max(seen_at)
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS sign(app_id, user_alias, device_id, platform, seen_at)
     GROUP BY 1, 2, 3 ORDER BY app_id COLLATE "C", user_alias COLLATE "C", device_id COLLATE "C"
     ON CONFLICT (app_id, user_alias, device_id) DO UPDATE
     SET platform = excluded.platform, last_seen_at = greatest(seen_devices.last_seen_at, excluded.last_seen_at)`,
    [
      signs.map(({ appId }) => appId),
      signs.map(({ userAlias }) => userAlias),
      signs.map(({ deviceId }) => deviceId),
      signs.map(({ platform }) => platform),
      signs.map(({ at }) => at),
    ],
  );
}
