import type { ConsumerHealth, RelayFigures } from '@communication-center/event-log';

/** What a replica can see of its own work on the log. */
export interface SeenOfLog {
  consumers: readonly ConsumerHealth[];
  relay: Pick<RelayFigures, 'unprovenMs'>;
  /** How long the oldest event has waited that this replica is to publish, in milliseconds. */
  waitedMs: number;
  /** For how long the brokers are known to have been well, in milliseconds; asked only when something stands still. */
  brokersWellForMs: () => number;
}

/** What takes a replica out of service, and what stands still for a reason that all replicas have. */
export interface LogFaults {
  /** Groups of consumers that never consumed yet, or have stopped by themselves. */
  stopped: string[];
  /** Groups that have stopped, and may for lack of brokers. */
  waiting: string[];
  relay?: string;
}

/**
 * Judges whether a replica does its part. While the brokers are away all replicas stand still alike: none is taken out of
 * service for it, since calls must be answered and hung up meanwhile. One that stands still for long while they are well has a
 * fault of its own.
 * @param limitMs how long it may stand still.
 */
export function faultsOf({ consumers, relay, waitedMs, brokersWellForMs }: SeenOfLog, limitMs: number): LogFaults {
  const isIdle = ({ state }: ConsumerHealth) => state === 'stopped' || state === 'starting';
  const idle = consumers.filter(isIdle);
  const isLate = waitedMs > limitMs || relay.unprovenMs > limitMs;
  const brokersAreWell = (idle.length > 0 || isLate) && brokersWellForMs() > limitMs;
  const isAtFault = ({ hasRun, forMs }: ConsumerHealth) => !hasRun || (forMs > limitMs && brokersAreWell);
  const names = (some: readonly ConsumerHealth[]) => some.map(({ group }) => group);
  const faults: LogFaults = {
    stopped: names(idle.filter(isAtFault)),
    waiting: names(idle.filter((one) => !isAtFault(one))),
  };
  if (relay.unprovenMs > limitMs) faults.relay = `holds no part of the outbox for ${inSeconds(relay.unprovenMs)}`;
  else if (waitedMs > limitMs && brokersAreWell) faults.relay = `has not published an event for ${inSeconds(waitedMs)}`;
  return faults;
}

const inSeconds = (milliseconds: number) => `${Math.round(milliseconds / 1000)} s`;
