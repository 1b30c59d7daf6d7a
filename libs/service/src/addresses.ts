import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Finds the addresses of a name: each is a replica. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** As any program of this machine finds them: its hosts file, its name servers and its search domains. */
const asTheSystem: Resolve = async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);

/** A name is looked up again after so long, beside the requests that use what was found before. */
const freshMs = 5000;
/** What was found so long ago is not used before it is looked up again. */
const staleMs = 30_000;
const lookUpMs = 2000;

interface Name {
  url: URL;
  found: readonly string[];
  looking: Promise<void> | undefined;
}

/**
 * Where the replicas of a service answer. A name of several addresses, as a cluster has for a service without an address of its own
 * (Kubernetes: headless), stands for all of them, and is looked up again every few seconds while it is used. What cannot be looked
 * up stays as it was. Names under https stay names, since certificates are theirs; so does localhost.
 */
export class Addresses {
  readonly #names: readonly Name[];
  readonly #resolve: Resolve;
  #known: readonly string[];
  #lookedUpAt = Number.NEGATIVE_INFINITY;
  /** A look-up that is waited for: what is known is too old. */
  #catchingUp: Promise<void> | undefined;

  constructor(urls: readonly string[], resolve: Resolve = asTheSystem) {
    this.#known = urls;
    this.#resolve = resolve;
    const areAddresses = urls.every((url) => !isName(new URL(url)));
    this.#names = areAddresses ? [] : urls.map((url) => ({ url: new URL(url), found: [url], looking: undefined }));
  }

  /** What was found last. */
  get known(): readonly string[] {
    return this.#known;
  }

  /** @returns the URL of each replica. Never waits for longer than a look-up may take. */
  async current(now = performance.now()): Promise<readonly string[]> {
    const age = now - this.#lookedUpAt;
    if (this.#names.length > 0 && age >= freshMs) {
      this.#lookedUpAt = now;
      const looking = this.#lookUp();
      if (age >= staleMs) this.#catchingUp = looking;
    }
    await this.#catchingUp;
    return this.#known;
  }

  async #lookUp(): Promise<void> {
    await Promise.all(this.#names.filter(({ url }) => isName(url)).map((name) => within(lookUpMs, this.#lookUpOne(name))));
    // In one order, whatever the name server's: whose turn it is goes by it.
    this.#known = [...new Set(this.#names.flatMap(({ found }) => found))].sort();
  }

  /** One look-up of a name at a time: one that hangs is not joined by others. */
  #lookUpOne(name: Name): Promise<void> {
    name.looking ??= this.#resolve(name.url.hostname)
      .then(
        (addresses) => {
          if (addresses.length > 0) name.found = addresses.map((address) => withHost(name.url, address));
        },
        () => undefined,
      )
      .finally(() => {
        name.looking = undefined;
      });
    return name.looking;
  }
}

function isName({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && hostname !== 'localhost' && isIP(hostname.replace(/^\[|\]$/g, '')) === 0;
}

function withHost(url: URL, address: string): string {
  const there = new URL(url);
  there.hostname = isIP(address) === 6 ? `[${address}]` : address;
  return there.href.replace(/\/$/, '');
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
