import { setTimeout as sleep } from 'node:timers/promises';

/** A client that has not closed by then is left to the end of its connections. */
const closeMs = 2000;

/** Clients of a provider, one for each app and kept: a new one only for other credentials. */
export class KeptClients<C> {
  readonly #clients = new Map<string, { version: string; client: Promise<C> }>();

  constructor(private readonly close: (client: C) => Promise<void> | void) {}

  /** @param whose whom the client is for, such as an app and an environment. @param version of the credentials it was made with. */
  get(whose: string, version: string, make: () => Promise<C>): Promise<C> {
    const known = this.#clients.get(whose);
    if (known?.version === version) return known.client;
    // What is under way through the one before gets its answers.
    if (known) void this.#closed(known.client);
    const made = { version, client: make() };
    this.#clients.set(whose, made);
    made.client.catch(() => this.#clients.get(whose) === made && this.#clients.delete(whose));
    return made.client;
  }

  async closeAll(): Promise<void> {
    const all = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(all.map(({ client }) => this.#closed(client)));
  }

  async #closed(client: Promise<C>): Promise<void> {
    const late = new AbortController();
    const closing = client.then((one) => this.close(one)).catch(() => undefined);
    await Promise.race([closing, sleep(closeMs, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
  }
}
