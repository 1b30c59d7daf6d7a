import { countedAs } from './client-address.js';

export interface AddressLimits {
  /** Connections of one address that have not signed in, at a time. */
  unauthenticated: number;
  /** Those that have. */
  signedIn: number;
}

/** A connection's place among those of its address. */
export interface ClientPlace {
  readonly address: string;
  readonly hasSignedIn: boolean;
  /** Counts it among those that have signed in. @returns whether there was room; where there was none it stays as it was. */
  signIn(): boolean;
  /** Gives the place back; a second time changes nothing. */
  end(): void;
}

interface Counts {
  unauthenticated: number;
  signedIn: number;
}

/** How many connections each address has: kept for those that have some, and for nobody else. */
export class AddressCounts {
  readonly #counts = new Map<string, Counts>();

  constructor(private readonly limits: AddressLimits) {}

  /** How many addresses have connections. */
  get size(): number {
    return this.#counts.size;
  }

  /** @returns a place; undefined for an address that has as many unauthenticated connections as it may. */
  take(address: string): ClientPlace | undefined {
    const name = countedAs(address);
    const counts = this.#counts.get(name) ?? { unauthenticated: 0, signedIn: 0 };
    if (counts.unauthenticated >= this.limits.unauthenticated) return undefined;
    counts.unauthenticated += 1;
    this.#counts.set(name, counts);
    return new Place(address, counts, this.limits, () => {
      if (counts.unauthenticated + counts.signedIn === 0) this.#counts.delete(name);
    });
  }
}

class Place implements ClientPlace {
  #at: keyof Counts | undefined = 'unauthenticated';

  constructor(
    readonly address: string,
    private readonly counts: Counts,
    private readonly limits: AddressLimits,
    private readonly onEnd: () => void,
  ) {}

  get hasSignedIn(): boolean {
    return this.#at === 'signedIn';
  }

  signIn(): boolean {
    if (this.#at !== 'unauthenticated') return true;
    if (this.counts.signedIn >= this.limits.signedIn) return false;
    this.counts.unauthenticated -= 1;
    this.counts.signedIn += 1;
    this.#at = 'signedIn';
    return true;
  }

  end(): void {
    if (!this.#at) return;
    this.counts[this.#at] -= 1;
    this.#at = undefined;
    this.onEnd();
  }
}
