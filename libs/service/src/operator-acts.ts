import { randomUUID } from 'node:crypto';
import type { AppId, Subject } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { ProblemError } from './problem-error.js';
import type { ServiceClient } from './service-client.js';
import { actorOf } from './subject.js';

type Entry = Inquiry<typeof internal.noteAct>['body'];

/** Puts what operators have a service do on record, before it does it: what is not on record is not done. */
export class OperatorActs {
  #keep: (entry: Entry) => Promise<unknown>;

  /** @param directory which keeps the record; undefined where it is not known, so that nothing can be done that must be on record. */
  constructor(directory: Pick<ServiceClient, 'ask'> | undefined) {
    this.#keep = async (body) => {
      if (!directory) throw new ProblemError('service_unavailable', 'Set DIRECTORY_URL: what operators do is put on record there');
      // An entry that was told and not answered is told again: its id makes it one.
      await directory.ask(internal.noteAct, { body }, { timeoutMs: 4000, retryForMs: 2000 });
    };
  }

  /** The service that has the record keeps it by itself. */
  keepHere(keep: (entry: Entry) => Promise<unknown>): void {
    this.#keep = keep;
  }

  /**
   * Resolves once it is on record that somebody has this done; whoever dies after that has done it or not.
   * @param appId whose events or people it concerns; the whole Center, where it is none's.
   * @throws ProblemError `service_unavailable` where it cannot be put on record: then it is not to be done.
   */
  async note(subject: Subject, { appId, ...what }: Pick<Entry, 'act' | 'target'> & { appId?: AppId | undefined }): Promise<void> {
    await this.#keep({ entryId: idOfNow(), actor: actorOf(subject), ...what, ...(appId && { appId }) });
  }
}

/** @returns a UUID of version 7 (RFC 9562 §5.7): entries lie in the order of their ids. */
function idOfNow(): string {
  const at = Date.now().toString(16).padStart(12, '0');
  return `${at.slice(0, 8)}-${at.slice(8)}-7${randomUUID().slice(15)}`;
}
