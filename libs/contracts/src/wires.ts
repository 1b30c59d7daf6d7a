import { z } from 'zod';
import { problemSchema } from './problems.js';
import { text } from './text.js';

/** What a wire carries at most. Whoever asks more asks over HTTP, and is refused there by name. */
export const wireLimits = {
  /** Of a question, in bytes: what a service reads of a request. */
  questionBytes: 262_144,
  /** Of what tells some lines of an answer, in bytes. */
  answerBytes: 4_194_304,
  /** Lines wait for others of their turn until they are so many letters. */
  heldLetters: 262_144,
  /** Questions under way on one wire. */
  underWay: 64,
  /** Wires to one replica: some for each that asks. */
  wires: 256,
};

/** What is asked over a wire; `ask` is its number there. */
export const wireQuestionSchema = z.object({ ask: z.int(), traceparent: text().max(64).optional(), body: z.unknown() });
export type WireQuestion = z.input<typeof wireQuestionSchema>;

/** What is answered: lines as they are known, of which the last say so; why it is refused as a whole; or that nothing is to be asked here any more. */
export const wireAnswerSchema = z.union([
  z.object({ ask: z.int(), lines: z.array(z.unknown()), isWhole: z.boolean() }),
  z.object({ ask: z.int(), refused: problemSchema }),
  z.object({ isLeaving: z.literal(true) }),
]);
export type WireAnswer = z.input<typeof wireAnswerSchema>;
