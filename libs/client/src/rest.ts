import {
  type CallList,
  type CallListQuery,
  callListSchema,
  callStateSchema,
  type DeviceId,
  type MediaTest,
  mediaTestSchema,
  type PushRegistrationView,
  type PushTarget,
  presenceSchema,
  problemSchema,
  pushRegistrationListSchema,
  pushRegistrationViewSchema,
  type QualityView,
  qualityViewSchema,
  type Timeline,
  type Told,
  timelineSchema,
  toldSchema,
  userTokenViewSchema,
} from '@communication-center/contracts';
import { CenterError } from './center-error.js';
import type { ToldPresence } from './presence-watch.js';
import type { ToldCall } from './told-call.js';

const timeoutMs = 10_000;
const told = {
  call: toldSchema(callStateSchema),
  calls: toldSchema(callListSchema),
  timeline: toldSchema(timelineSchema),
  quality: toldSchema(qualityViewSchema),
  mediaTest: toldSchema(mediaTestSchema),
  presence: toldSchema(presenceSchema),
  problem: toldSchema(problemSchema),
  pushRegistration: toldSchema(pushRegistrationViewSchema),
  pushRegistrations: toldSchema(pushRegistrationListSchema),
  userToken: toldSchema(userTokenViewSchema),
};

/** The REST resources a client reads. */
export class Rest {
  constructor(
    private readonly url: string,
    private readonly token: () => Promise<string>,
  ) {}

  async call(callId: string): Promise<ToldCall> {
    return read(told.call, await this.#get(`/v1/calls/${callId}`));
  }

  async timeline(callId: string): Promise<Told<Timeline>> {
    return read(told.timeline, await this.#get(`/v1/calls/${callId}/timeline`));
  }

  async quality(callId: string): Promise<Told<QualityView>> {
    return read(told.quality, await this.#get(`/v1/calls/${callId}/quality`));
  }

  /** Has the servers told that a call would use, and, for an offer, what is sent come back. */
  async mediaTest(sdp?: string): Promise<Told<MediaTest>> {
    const headers = { authorization: `Bearer ${await this.token()}`, 'content-type': 'application/json' };
    const body = JSON.stringify(sdp === undefined ? {} : { sdp });
    return read(told.mediaTest, await ask(new URL('/v1/media/test', this.url), { method: 'POST', headers, body }));
  }

  async calls(filter: Partial<CallListQuery>): Promise<Told<CallList>> {
    const query = Object.entries(filter).filter(([, value]) => value !== undefined);
    return read(told.calls, await this.#get(`/v1/calls?${new URLSearchParams(query.map(([name, value]) => [name, String(value)]))}`));
  }

  async presence(userAlias: string): Promise<ToldPresence> {
    return read(told.presence, await this.#get(`/v1/presence/${encodeURIComponent(userAlias)}`));
  }

  async registerPush(deviceId: DeviceId, target: PushTarget): Promise<Told<PushRegistrationView>> {
    const headers = { authorization: `Bearer ${await this.token()}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ deviceId, target });
    return read(told.pushRegistration, await ask(new URL('/v1/push-registrations', this.url), { method: 'POST', headers, body }));
  }

  async pushRegistrations(deviceId: DeviceId): Promise<Told<PushRegistrationView>[]> {
    return read(told.pushRegistrations, await this.#get(`/v1/push-registrations?${new URLSearchParams({ deviceId })}`)).registrations;
  }

  async forgetPush(deviceId: DeviceId): Promise<void> {
    const headers = { authorization: `Bearer ${await this.token()}` };
    await ask(new URL(`/v1/push-registrations?${new URLSearchParams({ deviceId })}`, this.url), { method: 'DELETE', headers });
  }

  /** Reads server-sent events (WHATWG HTML §9.2) until `signal` ends it; comes back with the last id when they break off. */
  async followPresence(listener: (presence: ToldPresence) => void, signal: AbortSignal): Promise<void> {
    const versions = new Map<string, number>();
    let lastEventId = '';
    for (let losses = 0; !signal.aborted; losses += 1) {
      const response = await this.#openStream(lastEventId, signal).catch((error: unknown) => {
        // A connection that fails is tried again; a token that is refused will be refused again.
        if (error instanceof CenterError && error.code !== 'service_unavailable') throw error;
        return undefined;
      });
      if (response && response.status < 500 && !response.ok) throw await errorOf(response);
      if (response?.ok && response.body) {
        losses = 0;
        for await (const event of readEvents(response.body, signal)) {
          lastEventId = event.id || lastEventId;
          if (event.type !== 'presence') continue;
          const presence = readPresence(event.data);
          if (!presence || (versions.get(presence.userAlias) ?? -1) >= presence.version) continue;
          versions.set(presence.userAlias, presence.version);
          listener(presence);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 200 * 2 ** losses) * (0.5 + Math.random())));
    }
  }

  async #openStream(lastEventId: string, signal: AbortSignal): Promise<Response> {
    const headers = { authorization: `Bearer ${await this.token()}`, ...(lastEventId && { 'last-event-id': lastEventId }) };
    return fetch(new URL('/v1/presence/stream', this.url), { headers, signal });
  }

  async #get(path: string): Promise<unknown> {
    return ask(new URL(path, this.url), { headers: { authorization: `Bearer ${await this.token()}` } });
  }
}

/** Gets a token for a bare alias; only apps set to trust one give it. */
export async function tokenForBareAlias(url: string, appId: string, userAlias: string): Promise<{ token: string; expiresAt: string }> {
  const body = JSON.stringify({ appId, userAlias });
  const answer = await ask(new URL('/v1/user-tokens', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return read(told.userToken, answer);
}

/** @throws CenterError `internal_error` for an answer in a shape this release does not know. */
function read<T>(schema: { safeParse(answer: unknown): { data?: T | undefined } }, answer: unknown): T {
  const { data } = schema.safeParse(answer);
  if (data === undefined) throw new CenterError('internal_error', 'The Center answered in a way that this client does not know: update it');
  return data;
}

/** @returns undefined for what is not for this release. */
function readPresence(text: string): ToldPresence | undefined {
  try {
    return told.presence.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @returns what is answered, unread. @throws CenterError as the Center refuses, or `service_unavailable`. */
export async function ask(url: URL, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
    throw new CenterError('service_unavailable', `The Center cannot be reached: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (response.ok) return response.json().catch(() => undefined);
  throw await errorOf(response);
}

async function errorOf(response: Response): Promise<CenterError> {
  const problem = told.problem.safeParse(await response.json().catch(() => undefined));
  return problem.success
    ? CenterError.fromProblem(problem.data)
    : new CenterError('internal_error', `The Center answered ${response.status}`);
}

interface StreamedEvent {
  type: string;
  id: string;
  data: string;
}

/** Splits a body into its events. A break of the connection ends it, as its end does. */
async function* readEvents(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!signal.aborted) {
    const read = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (read.done) return;
    text += decoder.decode(read.value, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield toEvent(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function toEvent(block: string): StreamedEvent {
  const fieldOf = (field: string) =>
    block
      .split('\n')
      .filter((line) => line.startsWith(`${field}: `))
      .map((line) => line.slice(field.length + 2))
      .join('\n');
  return { type: fieldOf('event'), id: fieldOf('id'), data: fieldOf('data') };
}
