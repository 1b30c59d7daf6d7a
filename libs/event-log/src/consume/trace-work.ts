import type { KafkaMessage } from 'kafkajs';

/** What an event says of itself before anything looks into it; a tombstone says nothing. */
export interface ToldOfItself {
  type?: string | undefined;
  appid?: string | undefined;
  callid?: string | undefined;
  traceparent?: string | undefined;
}

/** Work on events that are handled together, or that something has to be said of. */
export interface WorkOnEvents {
  doing: 'handling' | 'telling';
  group: string;
  topic: string;
  events: readonly ToldOfItself[];
}

/** Runs such work, as a part of the traces of its events. */
export type TraceWork = <T>(on: WorkOnEvents, work: () => Promise<T>) => Promise<T>;

/** @returns what a message says of itself in its headers. */
export function toldOf({ headers = {} }: Pick<KafkaMessage, 'headers'>): ToldOfItself {
  const said = (name: string) => headers[`ce_${name}`]?.toString();
  return { type: said('type'), appid: said('appid'), callid: said('callid'), traceparent: said('traceparent') };
}
