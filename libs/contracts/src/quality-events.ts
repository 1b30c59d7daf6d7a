import { eventSchema } from './envelope.js';
import { callQualitySchema } from './quality.js';

/** How the media of a call went, for each participant of whom there are samples: once, when it is over. Key: the call. */
export const qualityEventSchema = eventSchema('call.quality', callQualitySchema);
