import { z } from 'zod';

const message = 'use a name of the IANA time zones, such as Europe/Vienna';

/** @returns whether it names a time zone that dates can be told in here. */
function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

export const timeZoneSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9_+/-]*$/, message)
  .refine(isTimeZone, { message });
