import type { CallReply, EndpointView, UserSessions } from '@communication-center/contracts';
import type { JobView, MessageList } from '@communication-center/contracts/webhook-messages';
import { eventually, type Fleet, type Phones, ringOf, type TestApp, type WebhookReceiver } from '@communication-center/testing';

type Values = Record<string, string>;

/** Asks the public door for everything it has, and notes what was asked. */
export class Everything {
  /** As OpenAPI names them: `get /v1/calls/{callId}`. */
  readonly asked = new Set<string>();
  readonly refused: string[] = [];

  constructor(
    private readonly fleet: Fleet,
    private readonly phones: Phones,
    private readonly app: TestApp,
    private readonly receiver: WebhookReceiver,
  ) {}

  async ask<T>(method: string, path: string, values: Values = {}, body?: unknown, key = this.app.key): Promise<T> {
    this.asked.add(`${method} ${path.split('?')[0]}`);
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
    const answer = await this.fleet.rest<T>(method.toUpperCase(), filled, key, body);
    if (answer.status >= 400) this.refused.push(`${method} ${filled}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Calls of every outcome. @returns those that were made. */
  async calls([one, two, three]: [string, string, string]): Promise<string[]> {
    const answered = await this.#dial(one, [two]);
    await this.#act(answered, 'answer', one);
    await this.#act(answered, 'ringing', two);
    await this.#act(answered, 'answer', two);
    await this.#act(answered, 'request-upgrade', one);
    await this.#act(answered, 'refuse-upgrade', two);
    await this.#act(answered, 'request-upgrade', one);
    await this.#act(answered, 'accept-upgrade', two);
    for (const act of ['mute', 'allow']) await this.ask('post', `/v1/calls/{callId}/${act}`, { callId: answered }, { participant: two });
    for (const act of ['mute-all', 'lock', 'unlock']) await this.ask('post', `/v1/calls/{callId}/${act}`, { callId: answered }, {});
    for (const act of ['start-recording', 'pause-recording', 'resume-recording', 'stop-recording', 'start-broadcast', 'stop-broadcast']) {
      await this.ask('post', `/v1/calls/{callId}/${act}`, { callId: answered }, {});
    }
    for (const act of ['raise-hand', 'lower-hand']) await this.#act(answered, act, two);
    await this.#act(answered, 'credentials', two);
    await this.ask('post', '/v1/calls/{callId}/add', { callId: answered }, { callees: [three] });
    await this.#act(answered, 'ignore', three);
    await this.ask('post', '/v1/calls/{callId}/kick', { callId: answered }, { participant: three });
    await this.ask('post', '/v1/calls/{callId}/ring', { callId: answered }, { callees: [three] });
    await this.#act(answered, 'join', three);
    await this.#act(answered, 'hang-up', two);
    await this.ask('post', '/v1/calls/{callId}/end', { callId: answered }, {});
    const declined = await this.#dial(two, [three]);
    await this.#act(declined, 'decline', three);
    const cancelled = await this.#dial(three, [one]);
    await this.#act(cancelled, 'hang-up', three);
    return [answered, declined, cancelled];
  }

  /** Devices that come, ring, answer, and watch. */
  async devices([one, two]: [string, string]): Promise<void> {
    const [caller, callee] = [await this.phones.connect(this.app, one), await this.phones.connect(this.app, two)];
    const unwatch = await caller.center.watch([two], () => undefined);
    const call = await caller.center.call([two]);
    await (await ringOf(callee)).answer();
    await eventually('both being connected', () => call.phase === 'connected');
    await call.hangUp();
    await caller.center.history();
    await caller.center.timeline(call.callId);
    await caller.center.profiles([two]);
    unwatch();
    const sessionsOf = (userAlias: string) => this.ask<UserSessions>('get', '/v1/users/{userAlias}/sessions', { userAlias });
    const [session] = await eventually('the device being told of', async () => {
      const { sessions } = await sessionsOf(one);
      return sessions.length > 0 && sessions;
    });
    await this.ask('delete', '/v1/users/{userAlias}/sessions/{sessionId}', { userAlias: one, sessionId: session?.sessionId ?? '' });
    await this.ask('delete', '/v1/users/{userAlias}/sessions', { userAlias: two });
    this.phones.closeAll();
  }

  async reads(user: string, callId: string): Promise<void> {
    const filters = ['status=ended', 'outcome=missed', 'outcome=answered', 'outcome=declined', 'from=2026-01-01T00:00:00Z'];
    for (const who of ['', `userAlias=${user}`]) {
      for (const filter of ['', ...filters]) {
        const query = [who, filter, 'limit=20'].filter(Boolean).join('&');
        const page = await this.ask<{ nextCursor?: string | null }>('get', `/v1/calls?${query}`);
        if (page.nextCursor) await this.ask('get', `/v1/calls?${query}&cursor=${page.nextCursor}`);
      }
    }
    await this.ask('get', '/v1/calls/{callId}', { callId });
    await this.ask('get', '/v1/calls/{callId}/timeline', { callId });
    await this.ask('get', `/v1/presence?userAlias=${user}`);
    for (const status of ['', '&status=online', '&status=offline', '&status=busy']) await this.ask('get', `/v1/presence?limit=20${status}`);
    await this.ask('get', '/v1/presence/{userAlias}', { userAlias: user });
    await this.ask('get', '/v1/users/{userAlias}', { userAlias: user });
    await this.ask('get', '/v1/webhook-deliveries');
    await this.#messages(callId);
    await this.ask('get', '/v1/webhook-endpoints');
  }

  /** What an app's own keepers do. */
  async keeping(): Promise<void> {
    const { appId } = this.app;
    const operator = this.fleet.state.secrets.operatorKey;
    const key = await this.ask<{ keyId: string }>(
      'post',
      '/v1/apps/{appId}/api-keys',
      { appId },
      { name: 'short', scopes: ['calls'] },
      operator,
    );
    await this.ask('get', '/v1/apps/{appId}/api-keys', { appId }, undefined, operator);
    await this.ask('delete', '/v1/apps/{appId}/api-keys/{keyId}', { appId, keyId: key.keyId }, undefined, operator);
    const secret = await this.ask<{ kid: string }>('post', '/v1/apps/{appId}/secrets', { appId }, {}, operator);
    await this.ask('get', '/v1/apps/{appId}/secrets', { appId }, undefined, operator);
    await this.ask('delete', '/v1/apps/{appId}/secrets/{kid}/sessions', { appId, kid: secret.kid }, undefined, operator);
    await this.ask('delete', '/v1/apps/{appId}/secrets/{kid}', { appId, kid: secret.kid }, undefined, operator);
    await this.ask('get', '/v1/apps/{appId}', { appId }, undefined, operator);
    await this.ask('put', '/v1/apps/{appId}', { appId }, { name: appId, trustsBareAlias: true }, operator);
    await this.ask('get', '/v1/apps/{appId}/limits', { appId }, undefined, operator);
    const brief = { appId: `${appId}-brief` };
    await this.ask('put', '/v1/apps/{appId}', brief, { name: 'Brief' }, operator);
    await this.ask('post', '/v1/apps/{appId}/suspend', brief, undefined, operator);
    await this.ask('post', '/v1/apps/{appId}/resume', brief, undefined, operator);
    await this.ask('delete', '/v1/apps/{appId}', brief, undefined, operator);
    const account = { appId, username: 'desk' };
    await this.ask('put', '/v1/apps/{appId}/sip-accounts/{username}', account, {}, operator);
    await this.ask('get', '/v1/apps/{appId}/sip-accounts', { appId }, undefined, operator);
    await this.ask('delete', '/v1/apps/{appId}/sip-accounts/{username}', account, undefined, operator);
    await this.ask('get', '/v1/apps/{appId}/audit?limit=20', { appId }, undefined, operator);
    await this.ask('get', '/v1/audit?limit=20', {}, undefined, operator);
    await this.ask('post', '/v1/user-tokens', {}, { userAlias: 'past-ann' });
    await this.ask('put', '/v1/users/{userAlias}/do-not-disturb', { userAlias: 'past-new' }, { doNotDisturb: true });
    await this.ask('patch', '/v1/users/{userAlias}', { userAlias: 'past-new' }, { name: 'New' });
    await this.ask('post', '/v1/users/{userAlias}/revoke', { userAlias: 'past-new' });
    await this.ask('delete', '/v1/users/{userAlias}', { userAlias: 'past-new' });
  }

  async users(aliases: readonly string[]): Promise<void> {
    for (const userAlias of aliases) await this.ask('put', '/v1/users/{userAlias}', { userAlias }, { name: userAlias });
  }

  /** Webhooks of everything. @returns what ends them. */
  async endpoint(): Promise<() => Promise<unknown>> {
    const made = await this.ask<EndpointView>(
      'post',
      '/v1/webhook-endpoints',
      {},
      { url: this.receiver.url, eventTypes: ['call.*', 'presence.*'] },
    );
    const { endpointId } = made;
    return () => this.ask('delete', '/v1/webhook-endpoints/{endpointId}', { endpointId });
  }

  /** Messages and attempts by all that they are asked by, and what is delivered again. */
  async #messages(callId: string): Promise<void> {
    const { endpoints } = await this.ask<{ endpoints: EndpointView[] }>('get', '/v1/webhook-endpoints');
    const endpointId = endpoints[0]?.endpointId ?? '';
    const states = ['delivered', 'waiting', 'held', 'failed', 'pending', 'not_sent'].map(
      (state) => `endpointId=${endpointId}&state=${state}`,
    );
    const filters = ['', 'type=call.ended', `subject=${callId}`, `endpointId=${endpointId}`, ...states];
    for (const filter of filters) {
      const page = await this.ask<MessageList>('get', `/v1/webhook-messages?limit=5&${filter}`);
      if (page.nextCursor) await this.ask('get', `/v1/webhook-messages?limit=5&${filter}&cursor=${page.nextCursor}`);
    }
    for (const filter of ['', `endpointId=${endpointId}`, 'outcome=failed', `outcome=succeeded&endpointId=${endpointId}`])
      await this.ask('get', `/v1/webhook-attempts?limit=5&${filter}`);
    const [message] = await eventually('its messages', async () => {
      const { messages } = await this.ask<MessageList>('get', `/v1/webhook-messages?subject=${callId}`);
      return messages.length > 0 && messages;
    });
    const messageId = message?.messageId ?? '';
    await this.ask('get', '/v1/webhook-messages/{messageId}', { messageId });
    await this.ask('post', '/v1/webhook-messages/{messageId}/resend', { messageId }, { endpointId });
    const jobs = '/v1/webhook-endpoints/{endpointId}/jobs';
    const { jobId } = await this.ask<JobView>('post', jobs, { endpointId }, { kind: 'replay', subject: callId });
    await this.ask('get', '/v1/webhook-jobs');
    await this.ask('get', '/v1/webhook-jobs/{jobId}', { jobId });
    await this.ask('post', '/v1/webhook-jobs/{jobId}/cancel', { jobId });
  }

  async #dial(userAlias: string, callees: string[]): Promise<string> {
    return (await this.ask<CallReply>('post', '/v1/calls', {}, { userAlias, callees, callType: 'audio_upgradable' })).callId;
  }

  #act(callId: string, act: string, userAlias: string): Promise<unknown> {
    return this.ask('post', `/v1/calls/{callId}/${act}`, { callId }, { userAlias, deviceId: `${userAlias}-phone` });
  }
}
