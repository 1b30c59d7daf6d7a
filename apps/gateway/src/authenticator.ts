import { type AppId, type Subject, subjectSchema } from '@communication-center/contracts';
import { Injectable } from '@nestjs/common';
import { Services } from './services.js';

/** Finds out whose credential a request or socket carries. */
@Injectable()
export class Authenticator {
  constructor(private readonly services: Services) {}

  /** @throws ProblemError `unauthenticated`, `unknown_app` or `forbidden`, as the directory says. */
  async whose(credential: string, appId?: AppId): Promise<Subject> {
    const subject = await this.services.directory.send<unknown>({
      method: 'POST',
      path: '/internal/authenticate',
      body: { credential, ...(appId && { appId }) },
      timeoutMs: 4000,
      retryForMs: 2000,
    });
    return subjectSchema.parse(subject);
  }
}
