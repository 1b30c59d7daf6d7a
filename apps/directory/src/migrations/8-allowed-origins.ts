import { concurrentIndexes, type Migration } from '@communication-center/service';

/** Whether any app allows pages of an origin is found without reading all of them. */
export const allowedOrigins: Migration = concurrentIndexes('AllowedOrigins1764200000011', {
  apps_by_origin: "ON apps USING gin ((options->'allowedOrigins'))",
});
