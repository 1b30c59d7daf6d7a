import type { WorkOnEvents } from '@communication-center/event-log';
import type { Logger } from 'pino';
import { beginSpan, isExporting, type Span } from './spans.js';
import { resumeTrace } from './trace.js';

/**
 * Has a consumer's work go on with the traces of its events, and writes a line at `info` for each batch that was handled. One
 * event has one to itself on a quiet day; on a busy one two hundred share it, and it names all their traces.
 */
export function tracedEvents(logger: Pick<Logger, 'info'>) {
  return <T>({ group, topic, events, doing }: WorkOnEvents, work: () => Promise<T>): Promise<T> => {
    if (doing === 'telling') return resumeTrace(events, work);
    const spans = isExporting() ? events.map((event) => begin(group, topic, event)) : [];
    const traced = spans.length > 0 ? spans.map(({ traceparent }, index) => ({ ...events[index], traceparent })) : events;
    return resumeTrace(traced, async () => {
      const began = performance.now();
      try {
        const done = await work();
        const type = events.length === 1 ? events[0]?.type : undefined;
        logger.info({ group, topic, type, events: events.length, ms: Math.round(performance.now() - began) }, 'handled');
        for (const span of spans) span.end();
        return done;
      } catch (error) {
        for (const span of spans) span.end({}, true);
        throw error;
      }
    });
  };
}

function begin(group: string, topic: string, { traceparent, type, callid }: WorkOnEvents['events'][number]): Span {
  const facts = { 'messaging.consumer.group.name': group, 'messaging.destination.name': topic, 'event.type': type, 'call.id': callid };
  return beginSpan({ name: `${group} ${topic}`, kind: 'consumer', parent: traceparent, facts });
}
