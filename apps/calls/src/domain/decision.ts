import type { CallFact } from '@communication-center/contracts';
import type { Rejection } from './commands.js';
import type { Draft } from './draft.js';

/** What a command came to: the facts in order, or why not. No facts: a late timer or a repeat found nothing to do. */
export type Decision = { facts: CallFact[]; rejected?: never } | { rejected: Rejection; detail?: string; facts?: never };

export const nothing: Decision = { facts: [] };

export function reject(rejected: Rejection, detail?: string): Decision {
  return { rejected, ...(detail && { detail }) };
}

export function stated({ facts }: Draft): Decision {
  return { facts };
}
