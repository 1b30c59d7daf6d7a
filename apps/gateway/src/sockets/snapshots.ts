import type { AppId, CallSnapshot, UserAlias } from '@communication-center/contracts';
import { internal, internalLimits } from '@communication-center/contracts/internal';
import { Injectable } from '@nestjs/common';
import { askTogether, connectingPaceMs } from '../ask-together.js';
import { Services } from '../services.js';

interface User {
  appId: AppId;
  userAlias: UserAlias;
}

const patience = { timeoutMs: 4000, retryForMs: 4000 };

/** What devices that connect must know of calls: those of many are asked for in one request. */
@Injectable()
export class Snapshots {
  readonly #take: (user: User) => Promise<CallSnapshot>;

  constructor({ calls }: Services) {
    this.#take = askTogether<User, CallSnapshot>({
      one: (user) => calls.ask(internal.snapshot, { body: user }, patience),
      some: async (users) => {
        const { snapshots } = await calls.ask(internal.snapshots, { body: { users: [...users] } }, patience);
        return snapshots.map((done) => ({ done }));
      },
      mostAtOnce: internalLimits.snapshotsAtOnce,
      paceMs: connectingPaceMs,
      whose: ({ appId }) => appId,
    });
  }

  /** @returns what is so at a moment after this was asked. @throws ProblemError `service_unavailable` when nobody says. */
  async of({ appId, userAlias }: User): Promise<CallSnapshot> {
    return this.#take({ appId, userAlias });
  }
}
