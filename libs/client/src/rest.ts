import {
  type CallList,
  type CallListQuery,
  type CallState,
  callListSchema,
  callStateSchema,
  type Presence,
  presenceSchema,
  problemSchema,
  type Timeline,
  timelineSchema,
  userTokenViewSchema,
} from '@communication-center/contracts';
import { CenterError } from './center-error.js';

const timeoutMs = 10_000;

/** The REST resources a client reads. */
export class Rest {
  constructor(
    private readonly url: string,
    private readonly token: () => Promise<string>,
  ) {}

  async call(callId: string): Promise<CallState> {
    return callStateSchema.parse(await this.#get(`/v1/calls/${callId}`));
  }

  async timeline(callId: string): Promise<Timeline> {
    return timelineSchema.parse(await this.#get(`/v1/calls/${callId}/timeline`));
  }

  async calls(filter: Partial<CallListQuery>): Promise<CallList> {
    const query = Object.entries(filter).filter(([, value]) => value !== undefined);
    return callListSchema.parse(await this.#get(`/v1/calls?${new URLSearchParams(query.map(([name, value]) => [name, String(value)]))}`));
  }

  async presence(userAlias: string): Promise<Presence> {
    return presenceSchema.parse(await this.#get(`/v1/presence/${encodeURIComponent(userAlias)}`));
  }

  async #get(path: string): Promise<unknown> {
    return ask(new URL(path, this.url), { headers: { authorization: `Bearer ${await this.token()}` } });
  }
}

/** Gets a token for a bare alias; only apps set to trust one give it. */
export async function tokenForBareAlias(url: string, appId: string, userAlias: string): Promise<{ token: string; expiresAt: string }> {
  const body = JSON.stringify({ appId, userAlias });
  const answer = await ask(new URL('/v1/user-tokens', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return userTokenViewSchema.parse(answer);
}

async function ask(url: URL, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
    throw new CenterError('service_unavailable', `The Center cannot be reached: ${error instanceof Error ? error.message : String(error)}`);
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const problem = problemSchema.safeParse(answer);
  throw problem.success
    ? CenterError.fromProblem(problem.data)
    : new CenterError('internal_error', `The Center answered ${response.status}`);
}
