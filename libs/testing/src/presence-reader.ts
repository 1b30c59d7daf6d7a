import { type Presence, presenceSchema } from '@communication-center/contracts';

/** A CTI system that follows the presence stream with nothing but HTTP, and notes what it was told. */
export class PresenceReader {
  readonly told: Presence[] = [];
  /** What a reader must never be told. */
  readonly faults: string[] = [];
  lastEventId: string | undefined;
  ready = false;
  resets = 0;
  readonly #stop = new AbortController();

  constructor(url: string, key: string, query: string, lastEventId?: string) {
    const headers = { authorization: `Bearer ${key}`, ...(lastEventId && { 'last-event-id': lastEventId }) };
    void this.#read(new URL(`/v1/presence/stream${query}`, url), headers).catch(() => undefined);
  }

  /** @returns the last thing told of a user. */
  of(userAlias: string): Presence | undefined {
    return this.told.findLast((presence) => presence.userAlias === userAlias);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #read(url: URL, headers: Record<string, string>): Promise<void> {
    const { body } = await fetch(url, { headers, signal: this.#stop.signal });
    let text = '';
    for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    if (fields.get('event') === 'ready') this.ready = true;
    if (fields.get('event') === 'reset') this.resets += 1;
    if (fields.get('event') !== 'presence') return;
    const presence = presenceSchema.parse(JSON.parse(fields.get('data') ?? ''));
    const before = this.of(presence.userAlias);
    if (before && before.version >= presence.version)
      this.faults.push(`${presence.userAlias}: ${presence.version} after ${before.version}`);
    this.told.push(presence);
  }
}
