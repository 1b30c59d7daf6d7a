import type { AppId, Subject } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { Injectable } from '@nestjs/common';
import { Services } from './services.js';

/** Finds out whose credential a request or socket carries. */
@Injectable()
export class Authenticator {
  constructor(private readonly services: Services) {}

  /** @throws ProblemError `unauthenticated`, `unknown_app` or `forbidden`, as the directory says. */
  async whose(credential: string, appId?: AppId): Promise<Subject> {
    const asking = { body: { credential, ...(appId && { appId }) } };
    return this.services.directory.ask(internal.authenticate, asking, { timeoutMs: 4000, retryForMs: 2000 });
  }
}
