import { dataAs, newestPayloadVersion, type WebhookBody } from '@communication-center/contracts';

/** In which words an endpoint is told. */
export interface Wording {
  payloadVersion: string;
  bodyFormat: 'standard_webhooks' | 'cloudevents';
}

const contentTypes = { standard_webhooks: 'application/json', cloudevents: 'application/cloudevents+json' } as const;

/** Which service tells events of a kind, as the log has it. */
const sources: Readonly<Record<string, string>> = { call: '/calls', presence: '/presence', audit: '/directory' };

/**
 * @param id of the message, which a repeat of it has too.
 * @param body the message as Standard Webhooks has it, in the newest payload version.
 * @returns the bytes of a request as an endpoint wants them, and what they are. What an endpoint wants as it is is not even read.
 */
export function toldBody(id: string, body: string, { payloadVersion, bodyFormat }: Wording): { body: string; contentType: string } {
  const contentType = contentTypes[bodyFormat];
  if (payloadVersion === newestPayloadVersion && bodyFormat === 'standard_webhooks') return { body, contentType };
  const { type, timestamp, data } = JSON.parse(body) as WebhookBody;
  const told = { type, timestamp, data: dataAs({ type, data }, payloadVersion) };
  return { body: JSON.stringify(bodyFormat === 'cloudevents' ? asCloudEvent(id, told) : told), contentType };
}

/** CloudEvents 1.0, structured mode: the same data, with its attributes beside it (https://github.com/cloudevents/spec). */
function asCloudEvent(id: string, { type, timestamp, data }: { type: string; timestamp: string; data: Readonly<Record<string, unknown>> }) {
  const subject = data.callId ?? data.userAlias ?? data.entryId ?? data.endpointId;
  return {
    specversion: '1.0',
    id,
    source: sources[type.split('.')[0] ?? ''] ?? '/webhooks',
    type,
    time: timestamp,
    ...(subject !== undefined && { subject }),
    datacontenttype: 'application/json',
    appid: data.appId,
    sequence: data.sequence,
    data,
  };
}
