import type { ServerResponse } from 'node:http';

/** What Nest gives of a response of Fastify. */
export interface Hijackable {
  hijack(): void;
  raw: ServerResponse;
}

/** A line of more letters is none of ours. */
const longestLine = 1_048_576;

/** @param isUrgent whether it goes at once, and does not wait for the others of this turn of the event loop. */
type Tell<Line> = (line: Line, isUrgent?: boolean) => void;

/**
 * Answers with lines of JSON, each as soon as it is known; those of one turn of the event loop go together. The answer ends when
 * the work does.
 * @param work must not fail: what went wrong with a part of it is a line of its own.
 */
export async function answerInLines<Line extends object>(reply: Hijackable, work: (tell: Tell<Line>) => Promise<unknown>): Promise<void> {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
  let told = '';
  const flush = () => {
    if (told) raw.write(told);
    told = '';
  };
  await work((line, isUrgent = false) => {
    if (!told && !isUrgent) setImmediate(flush);
    told += `${JSON.stringify(line)}\n`;
    if (isUrgent) flush();
  });
  raw.end(told);
  told = '';
}

/**
 * Reads what {@link answerInLines} writes.
 * @returns each line as it comes, without its end; what is not ended by the last byte is broken off, and left out.
 * @throws Error for a line of more than a million letters.
 */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw new Error('A line of an answer is too long');
    yield* lines;
  }
}
