import type { ReadEvent } from '@communication-center/contracts';

/** A server that follows an app's events with nothing but HTTP, and notes what it was told. */
export class EventFollower {
  readonly told: ReadEvent[] = [];
  lastEventId: string | undefined;
  status: number | undefined;
  hasEnded = false;
  readonly #stop = new AbortController();

  constructor(url: string, key: string, query = '', lastEventId?: string) {
    const headers = { authorization: `Bearer ${key}`, ...(lastEventId && { 'last-event-id': lastEventId }) };
    void this.#read(new URL(`/v1/events/stream${query}`, url), headers)
      .catch(() => undefined)
      .finally(() => {
        this.hasEnded = true;
      });
  }

  stop(): void {
    this.#stop.abort();
  }

  async #read(url: URL, headers: Record<string, string>): Promise<void> {
    const { body, status } = await fetch(url, { headers, signal: this.#stop.signal });
    this.status = status;
    let text = '';
    for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
    const data = fields.get('data');
    if (data !== undefined) this.told.push(JSON.parse(data) as ReadEvent);
    this.lastEventId = fields.get('id') ?? this.lastEventId;
  }
}
