import type { ClientFrame, LimitKind } from '@communication-center/contracts';
import type { ResourceKind } from '@communication-center/contracts/services';

const reading = new Set(['GET', 'HEAD']);
const endpoints = /^\/v1\/webhook-endpoints(\/[^/]+\/test)?\/?$/;
const ringing = /^\/v1\/calls(\/[^/]+\/(add|ring))?\/?$/;

/**
 * @param path with or without a query.
 * @returns as what a request counts.
 */
export function kindOfRequest(method: string, path: string, resource: ResourceKind): LimitKind {
  if (resource === 'stream') return 'streams';
  if (resource === 'socket') return 'sockets';
  if (reading.has(method)) return 'reads';
  const [resourcePath = ''] = path.split('?');
  if (method !== 'POST') return 'writes';
  if (ringing.test(resourcePath)) return 'dials';
  if (resourcePath.startsWith('/v1/calls/')) return 'call_acts';
  if (resourcePath === '/v1/user-tokens') return 'tokens';
  if (endpoints.test(resourcePath)) return 'endpoints';
  return 'writes';
}

/** Of frames that are limited; the others cost nobody anything. */
const kindsOfFrames: Partial<Record<ClientFrame['type'], LimitKind>> = {
  dial: 'dials',
  add: 'dials',
  ring: 'dials',
  ringing: 'call_acts',
  device_ringing: 'call_acts',
  answer: 'call_acts',
  decline: 'call_acts',
  ignore: 'call_acts',
  join: 'call_acts',
  hang_up: 'call_acts',
  kick: 'call_acts',
  mute: 'call_acts',
  allow: 'call_acts',
  mute_all: 'call_acts',
  lock: 'call_acts',
  unlock: 'call_acts',
  raise_hand: 'call_acts',
  start_recording: 'call_acts',
  pause_recording: 'call_acts',
  resume_recording: 'call_acts',
  stop_recording: 'call_acts',
  start_broadcast: 'call_acts',
  stop_broadcast: 'call_acts',
  lower_hand: 'call_acts',
  request_upgrade: 'call_acts',
  accept_upgrade: 'call_acts',
  refuse_upgrade: 'call_acts',
  credentials: 'reads',
  profiles: 'reads',
  watch: 'watches',
  set_away: 'writes',
};

/** @returns as what a frame counts; undefined for one that is limited by its socket's frames alone. */
export function kindOfFrame(type: ClientFrame['type']): LimitKind | undefined {
  return kindsOfFrames[type];
}
