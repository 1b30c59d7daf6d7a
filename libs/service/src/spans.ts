import { continueTrace, currentParent, withinTrace } from './trace.js';

/** What a span is of: a request that came in, an event that was consumed, or a step of either. */
export type SpanKind = 'server' | 'consumer' | 'internal';

export type SpanFacts = Record<string, string | number | undefined>;

/** A piece of work, as it is told to who collects traces. */
export interface Span {
  /** Where the work belongs, for what it brings about. */
  readonly traceparent: string;
  /** @param facts what only its end tells. @param failed whether the work did not come to what was asked, by a fault of ours. */
  end(facts?: SpanFacts, failed?: boolean): void;
}

export interface BegunSpan {
  name: string;
  kind: SpanKind;
  /** The W3C `traceparent` of what brought it about; where there is none, a trace begins with it. */
  parent?: unknown;
  /** The id of the trace that begins with it, where that has one already. */
  traceId?: string | undefined;
  facts?: SpanFacts | undefined;
}

/** What hands spans over to who collects them. */
export interface SpanExporter {
  begin(span: BegunSpan): Span;
  /** Hands over what is left, in a second at most. */
  stop(): Promise<void>;
}

let exporter: SpanExporter | undefined;

/**
 * Has spans handed over to a collector from now on. Nothing of what that takes is loaded before.
 * @param url of the collector's OTLP over HTTP, without `/v1/traces`.
 */
export async function exportSpans(service: string, url: string, onError: (error: unknown) => void): Promise<void> {
  const { OtlpSpans } = await import('./otlp-spans.js');
  exporter = new OtlpSpans(service, url, onError);
}

/** Hands over the last spans. */
export async function stopExport(): Promise<void> {
  const stopped = exporter;
  exporter = undefined;
  await stopped?.stop();
}

/** Whether anybody collects spans. */
export const isExporting = (): boolean => exporter !== undefined;

/** Begins a span; where nobody collects them, a mere continuation of its trace. */
export function beginSpan(span: BegunSpan): Span {
  return exporter?.begin(span) ?? { traceparent: continueTrace(span.parent), end: () => undefined };
}

/** Runs a step of the work under way as a span of its own. */
export async function inSpan<T>(name: string, work: () => Promise<T>, kind: SpanKind = 'internal'): Promise<T> {
  if (!exporter) return work();
  const span = exporter.begin({ name, kind, ...currentParent() });
  try {
    const done = await withinTrace(span.traceparent, work);
    span.end();
    return done;
  } catch (error) {
    span.end({}, true);
    throw error;
  }
}
