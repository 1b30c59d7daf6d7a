import { type AppId, appIdSchema } from '@communication-center/contracts';

/** What a cursor says: all up to this place of this app's log has been read. */
export interface Cursor {
  appId: AppId;
  position: number;
}

/** A cursor of another kind would begin with another letter. */
const kind = 'e';
const shaped = /^e\.([0-9a-z]+)\.(.+)$/;

/** Writes a cursor, opaque to whoever gets it. It holds nothing secret: whoever makes one up reads on in what he may read anyway. */
export function writeCursor({ appId, position }: Cursor): string {
  return Buffer.from(`${kind}.${position.toString(36)}.${appId}`).toString('base64url');
}

/** @returns what a cursor says; undefined for what {@link writeCursor} never wrote. */
export function readCursor(cursor: string): Cursor | undefined {
  const [, place = '', appId = ''] = shaped.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  const position = Number.parseInt(place, 36);
  const app = appIdSchema.safeParse(appId);
  if (!Number.isSafeInteger(position) || !app.success) return undefined;
  const read = { appId: app.data, position };
  // One place has one cursor.
  return writeCursor(read) === cursor ? read : undefined;
}
