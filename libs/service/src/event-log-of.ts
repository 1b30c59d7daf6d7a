import { type BrokerSettings, brokersOf, EventLog } from '@communication-center/event-log';

/** @returns the log as a process reaches it by its settings. */
export function eventLogOf(
  clientId: string,
  settings: BrokerSettings,
  warn: (message: string, detail: Record<string, unknown>) => void,
): EventLog {
  return new EventLog({ clientId, warn, ...brokersOf(settings) });
}
