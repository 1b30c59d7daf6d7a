import type { NewName, PresenceStatus } from '@communication-center/contracts';
import { readable } from '../words/text-of.js';

/** Where somebody is, in a word and a colour. */
export function Status({ status }: { status: PresenceStatus | NewName }) {
  return <span className={`status ${status}`}>{readable(status)}</span>;
}
