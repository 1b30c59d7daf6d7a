import type { AnyEvent } from '@communication-center/contracts';
import type { Database } from '../database.js';

interface UnsendableRow {
  id: string;
  topic: string;
  event: AnyEvent | null;
}

/** Does what follows from events that can never be published, each once it can be done. */
export class UnsendableRows {
  #working = false;
  /** What follows from such an event, where anything does. */
  act: (topic: string, event: AnyEvent) => Promise<void> = async () => undefined;

  constructor(
    private readonly database: Database,
    private readonly onError: (error: unknown, doing: string) => void,
  ) {}

  /** @returns whether nothing is left to be answered. */
  async answer(): Promise<boolean> {
    if (this.#working) return true;
    this.#working = true;
    let isAll = true;
    try {
      const { rows } = await this.database.query<UnsendableRow>(
        'SELECT id, topic, event FROM unsendable WHERE answered_at IS NULL ORDER BY id LIMIT 100',
      );
      for (const row of rows) isAll = (await this.#answerOne(row)) && isAll;
    } catch (error) {
      this.onError(error, 'answering events that cannot be published');
      isAll = false;
    } finally {
      this.#working = false;
    }
    return isAll;
  }

  async #answerOne({ id, topic, event }: UnsendableRow): Promise<boolean> {
    try {
      if (event) await this.act(topic, event);
      await this.database.query('UPDATE unsendable SET answered_at = clock_timestamp() WHERE id = $1', [id]);
      return true;
    } catch (error) {
      this.onError(error, `answering event ${event?.id}, which cannot be published`);
      return false;
    }
  }
}
