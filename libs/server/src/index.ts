export { type ReceivedHeaders, type VerifyOptions, verify, WebhookError, type WebhookErrorCode, type WebhookMessage } from './verify.js';
