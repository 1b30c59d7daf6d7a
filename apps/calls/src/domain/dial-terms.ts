import type { AppOptions, Dial, RecordingId } from '@communication-center/contracts';
import type { DialCall } from './commands.js';

/** @returns the dial that was asked for, on the app's terms: nobody talks longer than the app allows. With `recordingId` where it is to be recorded. */
export function dialWithin(
  options: AppOptions,
  { callees, callType, ringSeconds, maxDurationSeconds, customData, record }: Dial,
  { recordingId, ...who }: Pick<DialCall, 'callId' | 'initiator' | 'initiatorDevice'> & { recordingId: RecordingId },
): DialCall {
  return {
    type: 'DialCall',
    ...who,
    callees,
    callType,
    ringSeconds: ringSeconds ?? options.ringSeconds,
    maxDurationSeconds: Math.min(maxDurationSeconds ?? options.maxDurationSeconds, options.maxDurationSeconds),
    maxParticipants: options.maxParticipants,
    mediaSetupSeconds: options.mediaSetupSeconds,
    callWaiting: options.callWaiting,
    ...(customData && { customData }),
    ...((record || options.recordCallTypes?.includes(callType)) && { recordingId }),
  };
}
