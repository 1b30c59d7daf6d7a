import { setTimeout as sleep } from 'node:timers/promises';
import type { AppId } from '@communication-center/contracts';
import { isInfrastructureFailure, type Sql } from '@communication-center/event-log';
import { Gathering, type ReportError } from '@communication-center/service';
import type { SendResult } from '../deliver/sender.js';
import { type Message } from '../domain/message.js';
import { laneOf } from '../messages/lane-of.js';

/** An attempt, as it is on record. */
interface AttemptMade {
  endpointId: string;
  messageId: string;
  appId: AppId;
  position: number | null;
  type: string;
  attempt: number;
  /** When it was begun. */
  at: string;
  /** Null where no answer came. */
  status: number | null;
  error: string | null;
  durationMs: number;
  /** What the answer begins with; null where it says nothing. */
  answer: string | null;
  /** When the next one is to be. */
  nextAttemptAt: string | null;
}

/** @returns an attempt as it is to be on record. @param when in milliseconds since 1970: when it was begun, and when the next one is to be. */
export function attemptOf(
  endpointId: string,
  { message, made, earlier }: { message: Message; made: number; earlier: number },
  { status, error, durationMs, answer = null }: SendResult,
  { begunAt, nextAt }: { begunAt: number; nextAt: number | null },
): AttemptMade {
  const { messageId, appId, position, type } = message;
  const told = error?.replaceAll('\0', '') ?? null;
  const when = { at: isoOf(begunAt), nextAttemptAt: nextAt === null ? null : isoOf(nextAt) };
  return { endpointId, messageId, appId, position, type, attempt: earlier + made + 1, ...when, status, error: told, durationMs, answer };
}

const isoOf = (at: number) => new Date(at).toISOString();

/** A delivery that goes on later, or has failed for good. */
interface Kept {
  endpointId: string;
  message: Message;
  state: 'waiting' | 'held' | 'failed';
  made: number;
  /** Of what waits. */
  delayMs?: number;
  /** Attempts before those that count now. */
  earlier?: number;
  /** The job that hands it over again. */
  jobId?: string | null;
}

/** What is to be on record of a delivery, all of it in one commit. */
export interface DeliveryOutcome {
  attempt?: AttemptMade;
  kept?: Kept;
  /** It waited, and is delivered now. */
  delivered?: { endpointId: string; messageId: string };
  /** Of a subject that was held the next may go. */
  freed?: { endpointId: string; subject: string };
  disabled?: { endpointId: string; reason: string; notice: Message };
  told?: Message;
}

/** So many are written without waiting for more. */
const atOnce = 200;
const mostWaiting = 100_000;
/** Nobody waits for what is on record: it is written so many milliseconds apart. What a crash finds unwritten is delivered again. */
const paceMs = 50;
const tryAgainMs = { first: 50, longest: 5000 };

/** Writes down what becomes of deliveries, of all endpoints together: one statement and commit for what came while the last was under way. */
export class Outcomes {
  readonly #together: Gathering<DeliveryOutcome, void>;
  #isGivenUp = false;

  constructor(
    private readonly sql: Sql,
    private readonly report: ReportError,
  ) {
    this.#together = new Gathering({
      work: async (outcomes) => {
        await this.#record(outcomes);
        return outcomes.map(() => ({ done: undefined }));
      },
      mostAtOnce: atOnce,
      mostWaiting,
      paceMs,
      mayFallApart: (error) => !isInfrastructureFailure(error),
    });
  }

  /** Resolves when it is on record. A database that is away is waited for. @throws where it never will be. */
  async add(outcome: DeliveryOutcome): Promise<void> {
    await this.#together.add(outcome);
  }

  /** A database that is away is waited for no longer: what is not on record is delivered again. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  async #record(outcomes: readonly DeliveryOutcome[]): Promise<void> {
    for (let pauseMs = tryAgainMs.first; ; pauseMs = Math.min(tryAgainMs.longest, pauseMs * 2)) {
      try {
        await recordOutcomes(this.sql, outcomes);
        return;
      } catch (error) {
        if (this.#isGivenUp || !isInfrastructureFailure(error)) throw error;
        this.report(error, 'recording deliveries');
        await sleep(pauseMs * (0.9 + Math.random() * 0.2));
      }
    }
  }
}

/** Writes down outcomes in one commit. Written twice they are there once. */
async function recordOutcomes(sql: Sql, outcomes: readonly DeliveryOutcome[]): Promise<void> {
  const list = <T>(of: (outcome: DeliveryOutcome) => T | undefined) => {
    const found = outcomes.flatMap((outcome) => of(outcome) ?? []);
    return found.length > 0 ? JSON.stringify(found) : null;
  };
  await sql.query('SELECT record_deliveries($1, $2, $3, $4, $5, $6)', [
    list(({ attempt }) => attempt),
    list(({ kept }) => kept && toRow(kept)),
    list(({ delivered }) => delivered),
    list(({ freed }) => freed),
    list(({ disabled }) => disabled && { ...disabled, notice: inLane(disabled.notice) }),
    list(({ told }) => told && inLane(told)),
  ]);
}

const inLane = (message: Message) => ({ ...message, lane: laneOf(message.appId) });

function toRow({ message, ...kept }: Kept) {
  const { messageId, appId, position, subject } = message;
  return { ...kept, messageId, appId, lane: laneOf(appId), position, subject, message };
}
