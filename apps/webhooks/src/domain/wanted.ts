import { type CallFacts, type Wish, wants } from './event-filter.js';
import { isNotice, type Message } from './message.js';

/**
 * Whether an endpoint is to be told of a message: of its own troubles it is not.
 * @param call what is known of the message's call, where the endpoint's filters ask for it.
 */
export function wanted(endpoint: Wish & { endpointId: string }, message: Message, call: CallFacts | undefined): boolean {
  return wants(endpoint, { type: message.type, data: message.data, call }) && !isNotice(message, endpoint.endpointId);
}
