import { randomUUID } from 'node:crypto';
import { type AnyEvent, type AppId, appIdSchema, type Subject } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { ProblemError } from './problem-error.js';
import type { ServiceClient } from './service-client.js';
import { actorOf } from './subject.js';

type Entry = Inquiry<typeof internal.noteAct>['body'];

/** Puts on record what operators have a service do, before it does it (what is not on record is not done), and what it could not do. */
export class ActsOnRecord {
  #keep: (entry: Entry) => Promise<unknown>;

  /** @param directory which keeps the record; undefined where it is not known, so that nothing can be done that must be on record. */
  constructor(directory: Pick<ServiceClient, 'ask'> | undefined) {
    this.#keep = async (body) => {
      if (!directory) throw new ProblemError('service_unavailable', 'Set DIRECTORY_URL: what operators do is put on record there');
      // An entry that was told and not answered is told again: its id makes it one.
      await directory.ask(internal.noteAct, { body }, { timeoutMs: 4000, retryForMs: 2000 }).catch(unlessUnheardOf);
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

  /**
   * Resolves once it is on record what the Center did by itself, to an app of its own accord.
   * @param entryId that is the same whenever this is told again: then it is one entry.
   * @throws ProblemError `service_unavailable` where it cannot be put on record now.
   */
  async noteOwn(entryId: string, what: Pick<Entry, 'act' | 'target'> & { appId: AppId }): Promise<void> {
    await this.#keep({ entryId, actor: 'center', ...what });
  }

  /**
   * Resolves once it is on record that an event can never be published: maybe twice, where a process dies just then.
   * @throws ProblemError `service_unavailable` where it cannot be put on record now.
   */
  async noteUnsendable(topic: string, { appid, type, subject }: AnyEvent): Promise<void> {
    const appId = appIdSchema.safeParse(appid).data;
    const target = `${topic} ${type} ${subject}`;
    await this.#keep({ entryId: idOfNow(), actor: 'center', act: 'event.unsendable', target, ...(appId && { appId }) });
  }
}

/** A directory of the release before does not know the question, or the act: what was asked for is there, only not on record. */
function unlessUnheardOf(error: unknown): never {
  if (error instanceof ProblemError && (error.code === 'not_found' || error.code === 'invalid_request'))
    throw new ProblemError(
      'service_unavailable',
      'The directory is of an earlier release: upgrade it, for what is done is put on record there',
    );
  throw error;
}

/** @returns a UUID of version 7 (RFC 9562 §5.7): entries lie in the order of their ids. */
function idOfNow(): string {
  const at = Date.now().toString(16).padStart(12, '0');
  return `${at.slice(0, 8)}-${at.slice(8)}-7${randomUUID().slice(15)}`;
}
