import type { SipSettings } from './settings.js';

/** Left by replicas that never came back. */
const oldSubscriptions = { table: 'subscriptions', by: 'expires_at', keepSeconds: 3600 };

/** What is kept for a while. A nonce is refused by its age when its counts are not known any more. */
export const oldRows = ({ NONCE_SECONDS }: Pick<SipSettings, 'NONCE_SECONDS'>) => [
  oldSubscriptions,
  { table: 'nonce_counts', by: 'used_at', keepSeconds: NONCE_SECONDS + 300 },
];
