import type { CallEvent, CallState } from '@communication-center/contracts';

/** What a device asked, and how it was answered. Times are of this machine's clock, in milliseconds. */
export interface AskedCommand {
  userAlias: string;
  deviceId: string;
  type: string;
  askedAt: number;
  answeredAt: number;
  /** The call the reply told of. */
  callId?: string | undefined;
  /** Why it was refused; `unknown` for an error that has no code. */
  refused?: string | undefined;
}

/** What one device saw. */
export interface DeviceEvidence {
  userAlias: string;
  deviceId: string;
  /** Whether it was connected when the run was over. */
  connected: boolean;
  /** When it was connected, as pairs of milliseconds. */
  online: { from: number; to: number }[];
  /** Each ring it showed. */
  rings: { callId: string; ringId: string; at: number }[];
  /** The last state of each call it knew. */
  calls: CallState[];
  /** Calls that were not over for it at the end. */
  stillActive: string[];
}

/** Everything there is to judge a run by. */
export interface Evidence {
  /** The store's events, in order within each call. */
  log: CallEvent[];
  /** What the topic carries, in order within each partition; repeats are allowed. */
  topic: CallEvent[];
  devices: DeviceEvidence[];
  commands: AskedCommand[];
  webhooks: { id: string; callId: string; sequence: number; type: string }[];
  badSignatures: number;
  /** What the tables beside the log hold at the end. */
  lines: { userAlias: string; callId: string }[];
  ringRows: { userAlias: string; callId: string }[];
  deadlineRows: { callId: string; kind: string }[];
  history: CallState[];
  /** Who is not free, as presence tells it. */
  busyByPresence: string[];
  /** When something was broken on purpose, as pairs of milliseconds; the time it took to mend is in it. */
  disturbed: { what: string; from: number; to: number }[];
}

/** A rule that did not hold. */
export interface Violation {
  rule: string;
  detail: string;
}
