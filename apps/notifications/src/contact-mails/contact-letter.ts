import type { AppId } from '@communication-center/contracts';

/** An endpoint that the Center disabled. */
export interface DisabledEndpoint {
  endpointId: string;
  reason: string;
  at: Date;
}

const mostNamed = 50;

/** @returns what the contact of an app is told of endpoints that were disabled. Pure. */
export function letterOf(appId: AppId, endpoints: readonly DisabledEndpoint[]): { subject: string; text: string } {
  const many = endpoints.length > 1;
  const named = endpoints.slice(0, mostNamed).map(({ endpointId, reason, at }) => `- ${endpointId}, ${at.toISOString()}: ${reason}`);
  const rest = endpoints.length > mostNamed ? [`- and ${endpoints.length - mostNamed} more`] : [];
  return {
    subject: many ? `${endpoints.length} webhook endpoints of ${appId} were disabled` : `A webhook endpoint of ${appId} was disabled`,
    text: [
      `The Communication Center delivers nothing more to ${many ? 'these webhook endpoints' : 'this webhook endpoint'} of the app ${appId}:`,
      '',
      ...named,
      ...rest,
      '',
      'Nothing is lost by that while messages are kept. Once the receiver answers again, enable the endpoint with',
      'POST /v1/webhook-endpoints/{endpointId}/enable: it goes on from where it was, or from the place that "from" names.',
      '',
      'You get this because the app names your address as its contactEmail.',
    ].join('\n'),
  };
}

const told = /^webhooks: ([0-9a-f-]{36}): (.+)$/s;

/** @returns of an act on record, which endpoint the Center disabled by itself, and why; undefined where it is another act, or somebody else's. */
export function disabledIn({
  actor,
  act,
  target,
}: {
  actor: string;
  act: string;
  target: string;
}): { endpointId: string; reason: string } | undefined {
  const [, endpointId, reason] = told.exec(target) ?? [];
  if (actor !== 'center' || act !== 'endpoint.disabled' || endpointId === undefined || reason === undefined) return undefined;
  return { endpointId, reason };
}
