import type { Sender } from '../deliver/sender.js';
import type { Message } from '../domain/message.js';
import type { Task } from '../domain/reader.js';
import type { LaneRow } from './lane-rows.js';
import type { Outcomes } from './outcomes.js';
import type { Places } from './places.js';
import type { Turns } from './turns.js';

/** A message on its way to one endpoint. */
export interface Delivery extends Task {
  message: Message;
  /** Attempts that were made. */
  made: number;
  /** Whether it waits in a row. */
  isAgain: boolean;
  /** Attempts before those that count now, and the job that hands it over again. */
  earlier: number;
  jobId: string | null;
}

/** What all lanes of a process share. */
export interface LaneTools {
  sender: Pick<Sender, 'send' | 'release'>;
  outcomes: Pick<Outcomes, 'add'>;
  schedule: readonly number[];
  concurrency: number;
  length: number;
  disableAfterSeconds: number;
  turns: Pick<Turns, 'take'>;
  places: Pick<Places, 'isFreeFor' | 'take' | 'free'>;
  /** Whether this process may send for an app now. */
  mayWork: (appId: string) => boolean;
  /** Something was written that waits for a place in the log. */
  onNotice: () => void;
  onError: (error: unknown, doing: string) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

export interface LaneStart {
  row: LaneRow;
  settled: readonly number[];
  blocked: readonly [string, number][];
}
