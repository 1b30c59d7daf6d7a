import { z } from 'zod';
import { isStorable } from './text.js';

/** The tenant: everything in the Center belongs to exactly one app. */
export const appIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'use 1 to 63 of a-z, 0-9, "-" and "_", starting with a letter or digit')
  .brand<'AppId'>();
export type AppId = z.infer<typeof appIdSchema>;

/** An alias as the log, and whoever tells what happened, may hold it: those of the past may be longer than {@link userAliasSchema}. */
export const recordedAliasSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Zs}](?:[^\p{Cc}]*[^\p{Cc}\p{Zs}])?$/u, 'use printable characters, without blanks at the ends')
  .brand<'UserAlias'>();
export type UserAlias = z.infer<typeof recordedAliasSchema>;

/** Every event of a call names everyone in it: bytes, not characters, are what that costs. */
const maxAliasBytes = 128;

/**
 * A user's name inside its app: a pseudonym the integrator chooses, 1 to 128 bytes of UTF-8, any script,
 * without control characters or blanks at its ends.
 */
export const userAliasSchema = recordedAliasSchema
  .refine((alias) => new TextEncoder().encode(alias).length <= maxAliasBytes, { message: `keep it within ${maxAliasBytes} bytes of UTF-8` })
  .refine((alias) => alias !== '.' && alias !== '..', { message: 'no path can name "." and "..": take another' })
  .refine(isStorable, { message: 'leave out lone surrogates (U+D800 to U+DFFF)' });

/** One installation of the integrator's app, chosen and kept by the client. */
export const deviceIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'use 1 to 128 of A-Z, a-z, 0-9, ".", "_", ":" and "-"')
  .brand<'DeviceId'>();
export type DeviceId = z.infer<typeof deviceIdSchema>;

/** One live socket of a device. */
export const sessionIdSchema = z.uuid().brand<'SessionId'>();
export type SessionId = z.infer<typeof sessionIdSchema>;

export const callIdSchema = z.uuid().brand<'CallId'>();
export type CallId = z.infer<typeof callIdSchema>;

/** One recording of a call; a call may have several, one after the other. */
export const recordingIdSchema = z.uuid().brand<'RecordingId'>();
export type RecordingId = z.infer<typeof recordingIdSchema>;

/** One broadcast of a call; a call may have several, one after the other. */
export const broadcastIdSchema = z.uuid().brand<'BroadcastId'>();
export type BroadcastId = z.infer<typeof broadcastIdSchema>;

/** Made by the client for each act it means once; a repeat gets the first reply. */
export const commandIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{8,128}$/, 'use 8 to 128 of A-Z, a-z, 0-9, ".", "_", ":" and "-", such as a UUID')
  .brand<'CommandId'>();
export type CommandId = z.infer<typeof commandIdSchema>;

export const platformSchema = z.enum(['web', 'ios', 'android', 'desktop', 'server', 'other']);
export type Platform = z.infer<typeof platformSchema>;
