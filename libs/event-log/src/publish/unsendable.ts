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

  async answer(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      const { rows } = await this.database.query<UnsendableRow>(
        'SELECT id, topic, event FROM unsendable WHERE answered_at IS NULL ORDER BY id LIMIT 100',
      );
      for (const row of rows) await this.#answerOne(row);
    } catch (error) {
      this.onError(error, 'answering events that cannot be published');
    } finally {
      this.#working = false;
    }
  }

  async #answerOne({ id, topic, event }: UnsendableRow): Promise<void> {
    try {
      if (event) await this.act(topic, event);
      await this.database.query('UPDATE unsendable SET answered_at = clock_timestamp() WHERE id = $1', [id]);
    } catch (error) {
      this.onError(error, `answering event ${event?.id}, which cannot be published`);
    }
  }
}
