import { type Attributes, SpanKind as OtelKind, ROOT_CONTEXT, SpanStatusCode, TraceFlags, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter as OtelExporter, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import type { BegunSpan, Span, SpanExporter, SpanFacts, SpanKind } from './spans.js';
import { traceIdOf } from './trace.js';

const kinds: Record<SpanKind, OtelKind> = {
  server: OtelKind.SERVER,
  consumer: OtelKind.CONSUMER,
  internal: OtelKind.INTERNAL,
};

/** Spans that wait to be handed over at most: when a collector is away, later ones are let go. */
const mostWaiting = 4096;
const everyMs = 1000;
const lastMs = 1000;

/** Hands spans to a collector by OTLP over HTTP, in batches, once a second. */
export class OtlpSpans implements SpanExporter {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  /** Of the trace that begins with the next span. */
  #nextTraceId: string | undefined;

  constructor(service: string, url: string, onError: (error: unknown) => void) {
    const exporter = new OTLPTraceExporter({ url: new URL('v1/traces', url.endsWith('/') ? url : `${url}/`).href, timeoutMillis: 5000 });
    const handingOver = { exporter: reporting(exporter, onError), maxQueueSize: mostWaiting, scheduledDelayMillis: everyMs };
    const ids = new RandomIdGenerator();
    this.#provider = new TracerProvider({
      idGenerator: { generateTraceId: () => this.#nextTraceId ?? ids.generateTraceId(), generateSpanId: () => ids.generateSpanId() },
      resource: resourceFromAttributes({ 'service.namespace': 'communication-center', 'service.name': service }),
      spanProcessors: [new BatchSpanProcessor(handingOver)],
    });
    this.#tracer = this.#provider.getTracer('communication-center');
  }

  begin({ name, kind, parent, traceId: begun, facts }: BegunSpan): Span {
    this.#nextTraceId = begun;
    const span = this.#tracer.startSpan(name, { kind: kinds[kind], attributes: known(facts) }, parentOf(parent));
    const { traceId, spanId } = span.spanContext();
    return {
      traceparent: `00-${traceId}-${spanId}-01`,
      end: (more, failed) => {
        span.setAttributes(known(more));
        if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, lastMs);
    });
    await Promise.race([this.#provider.shutdown().catch(() => undefined), enough]);
    clearTimeout(timer);
  }
}

/** Says that spans were not taken, once a minute at most: the collector's own alarms tell more. */
function reporting(exporter: OTLPTraceExporter, onError: (error: unknown) => void): OtelExporter {
  let quietUntil = 0;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0 && Date.now() >= quietUntil) {
          quietUntil = Date.now() + 60_000;
          onError(result.error);
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

/** Ours is the truth of where work belongs: the SDK's own idea of what is under way is not asked. */
function parentOf(traceparent: unknown) {
  const traceId = traceIdOf(traceparent);
  if (typeof traceparent !== 'string' || !traceId) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: traceparent.slice(36, 52),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

function known(facts: SpanFacts = {}): Attributes {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
