import { topics as productTopics } from '@communication-center/contracts';
import type { Database } from '../database.js';
import type { EventLog } from '../log/event-log.js';
import type { SendBatch } from './lane-sender.js';
import type { Reconciler } from './reconciler.js';

/** What happens to a service's events on their way that somebody should hear of. */
export interface RelayAlarms {
  /** A broker says that a topic has another number of partitions than it had. */
  onCountChanged?: (topic: string) => void;
  /** A row that no broker takes was set aside. */
  onSetAside?: (topic: string, key: string, reason: string) => void;
}

export interface RelayOptions extends RelayAlarms {
  log: EventLog;
  database: Database;
  /** Called with each failure; the relay itself tries again. */
  onError: (error: unknown, doing: string) => void;
  /** Topics whose partitions are counted before anything is written to them: those of the product unless told. */
  topics?: readonly string[];
  /** Topics whose events the service keeps in a table of its own: others stay beside the outbox for an hour. */
  keptElsewhere?: readonly string[];
  /**
   * Topics of which this holds: a key is never used again once its life is over, its events count from 1 without a gap, and n + 1
   * is only written once n has committed. Their events may be sent without being read from the outbox.
   */
  countedFromOne?: readonly string[];
  /** Compares what was published with what the log holds; the owner of the first shard does it. */
  reconciler?: Reconciler;
  reconcileEveryMs?: number;
  /** Whether the service writes events at all: a relay that is not needed does nothing. */
  isNeeded?: boolean;
  /** So often the whole outbox is looked at, in milliseconds: nobody may have told of what is in it. */
  pollMs?: number;
  /** The same where nothing was written or published for half a minute. */
  quietPollMs?: number;
  rowsPerRead?: number;
  bytesPerLane?: number;
  /** How long a row that was sent waits for others to be marked with it, in milliseconds. */
  markEveryMs?: number;
  /** How long published rows are kept for a look and for repair, in milliseconds. */
  keepMs?: number;
  /** Called between publishing rows and marking them, for tests that stop the process there. */
  beforeMark?: () => Promise<void>;
  /** Called between reading rows and sending them, for tests that freeze the process there. */
  beforeSend?: () => Promise<void>;
  /** Stands between the relay and a producer, for tests of what brokers may answer. */
  sendThrough?: (send: SendBatch) => SendBatch;
}

export type Settled = Required<Omit<RelayOptions, keyof RelayAlarms | 'reconciler' | 'beforeMark' | 'beforeSend' | 'sendThrough'>> &
  RelayOptions;

/** @returns the options with what was not told. */
export function settled(options: RelayOptions): Settled {
  return {
    topics: Object.keys(productTopics),
    keptElsewhere: Object.keys(productTopics).filter((topic) => productTopics[topic as keyof typeof productTopics].retention === 'lasting'),
    countedFromOne: ['calls.events', 'sessions.events', 'media.events', 'presence.events'],
    reconcileEveryMs: 15_000,
    isNeeded: true,
    pollMs: 1000,
    quietPollMs: 5000,
    rowsPerRead: 2000,
    bytesPerLane: 700_000,
    markEveryMs: 200,
    keepMs: 3_600_000,
    ...options,
  };
}
