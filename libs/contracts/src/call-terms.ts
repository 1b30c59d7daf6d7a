import { z } from 'zod';
import { storableJson } from './text.js';

export const callTypeSchema = z.enum(['audio_only', 'audio_upgradable', 'audio_video']);
export type CallType = z.infer<typeof callTypeSchema>;

/** What somebody in a call may be kept from sending: the microphone, or the picture. */
export const forbiddableSchema = z.enum(['audio', 'video']);
export type Forbiddable = z.infer<typeof forbiddableSchema>;

/** Why a callee declined. `none` is a plain decline. */
export const declineReasonSchema = z.enum(['none', 'error', 'do_not_disturb', 'no_answer', 'busy']);
export type DeclineReason = z.infer<typeof declineReasonSchema>;

/** Why a call, or one person's ring or part in it, ended. Told to every device and webhook. */
export const endReasonSchema = z.enum([
  'hung_up',
  'declined',
  'no_answer',
  'cancelled',
  'busy',
  'do_not_disturb',
  'answered_elsewhere',
  'declined_elsewhere',
  'connection_lost',
  'media_failed',
  'kicked',
  'ended_by_server',
  'max_duration',
  'error',
]);
export type EndReason = z.infer<typeof endReasonSchema>;

/**
 * Why nothing ever came through of a device, as far as can be known at the Center's end: it never joined its media; it named no way to itself;
 * no way that was named could be gone; one could, and what came over it was not what was agreed upon; or all was up, and nothing came of what
 * it said that it sends.
 */
export const mediaFailureSchema = z.enum(['not_joined', 'no_candidates', 'ice_failed', 'dtls_failed', 'no_frames']);
export type MediaFailure = z.infer<typeof mediaFailureSchema>;

/** Limits of a call, in force for every app; an app may choose within them. */
export const callLimits = {
  ringSeconds: { min: 5, max: 120, default: 60 },
  maxParticipants: { min: 2, max: 32, default: 8 },
  maxDurationSeconds: { min: 10, max: 86_400, default: 14_400 },
  mediaSetupSeconds: { min: 0, max: 600, default: 60 },
  connectionGraceSeconds: { min: 5, max: 600 },
  upgradeSeconds: 30,
  /** Times one user may ask for video in one call. */
  upgradeRequestsOfOneUser: 5,
  /** Devices of one user on which one ring may be silenced. */
  devicesThatIgnore: 32,
  /** Calls that may ring one user at a time, where an app allows call waiting. */
  ringsOfOneUser: 3,
  /** People who may have had a part in a call, from its beginning to its end. */
  everParticipants: 128,
  /** Pictures that a call carries at a time: each is sent to everybody. */
  cameras: { max: 32 },
  screens: { max: 32, default: 4 },
  customDataBytes: 4096,
} as const;

/**
 * Data the integrator hands through a call to its devices and webhooks, at most 4 KiB as JSON.
 * It enters the lasting log: never put personal data in it.
 */
export const customDataSchema = z
  .record(z.string().max(128), z.json())
  .refine((data) => new TextEncoder().encode(JSON.stringify(data)).length <= callLimits.customDataBytes, {
    message: `keep customData within ${callLimits.customDataBytes} bytes of JSON`,
  })
  .refine(storableJson.check, { message: storableJson.message });
export type CustomData = z.infer<typeof customDataSchema>;
