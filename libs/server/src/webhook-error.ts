/** What can be wrong with a delivery, in the order in which it is looked at. */
const faults = {
  body_not_raw: 'Pass the bytes of the body as they came: what was parsed and written again may differ from what was signed',
  header_missing: 'webhook-id, webhook-timestamp and webhook-signature must all be there',
  timestamp_malformed: 'webhook-timestamp is no number of seconds',
  timestamp_too_old: 'The delivery was signed too long ago: somebody may have kept it to send it again',
  timestamp_too_new: 'The delivery was signed in the future: one of the clocks is wrong',
  secret_malformed: 'A secret begins with whsec_, or is a public key that begins with whpk_',
  signature_mismatch: 'No signature is of one of these secrets',
  body_malformed: 'The body was signed, but is no JSON',
} as const;

export type WebhookErrorCode = keyof typeof faults;

/** A delivery that is not to be believed, or that cannot be judged. Answer it with 400; with 500 where the code is `secret_malformed` or `body_not_raw`. */
export class WebhookError extends Error {
  override name = 'WebhookError';

  constructor(readonly code: WebhookErrorCode) {
    super(faults[code]);
  }
}
