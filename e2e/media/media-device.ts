import { type CallReply, type MediaCredentials, mediaSubprotocol } from '@communication-center/contracts';
import { eventually, type Fleet, type TestApp } from '@communication-center/testing';

export interface Heard {
  type: string;
  reason?: string;
  node?: string;
  generation?: number;
  iceServers?: unknown[];
  error?: { code: string };
}

/** A device that has only a media socket, and hears what is said on it. */
export class MediaDevice {
  readonly heard: Heard[] = [];
  readonly #socket: WebSocket;

  constructor({ url, token }: MediaCredentials) {
    this.#socket = new WebSocket(url, mediaSubprotocol);
    this.#socket.onopen = () => this.#socket.send(JSON.stringify({ type: 'join', token }));
    this.#socket.onmessage = ({ data }) => this.heard.push(JSON.parse(String(data)) as Heard);
  }

  /** @returns what it was answered: `joined`, or the code of the refusal. */
  async outcome(): Promise<string | undefined> {
    const [first] = await eventually('an answer to the join', () => this.heard.length > 0 && this.heard, 20_000);
    return first?.error?.code ?? first?.type;
  }

  close(): void {
    this.#socket.close();
  }
}

/** People of an app, for whom its server acts, each on one device. */
export class People {
  constructor(
    private readonly fleet: Fleet,
    private readonly app: TestApp,
  ) {}

  async dial(userAlias: string, callees: string[]): Promise<CallReply> {
    for (const name of [userAlias, ...callees]) await this.fleet.makeUser(this.app, name);
    const { body } = await this.fleet.rest<CallReply>('POST', '/v1/calls', this.app.key, {
      userAlias,
      deviceId: `${userAlias}-desk`,
      callees,
    });
    return body;
  }

  async act(act: 'answer' | 'hang-up' | 'credentials', callId: string, userAlias: string): Promise<CallReply> {
    const { body } = await this.fleet.rest<CallReply>('POST', `/v1/calls/${callId}/${act}`, this.app.key, {
      userAlias,
      deviceId: `${userAlias}-desk`,
    });
    return body;
  }

  async kick(callId: string, participant: string): Promise<void> {
    await this.fleet.rest('POST', `/v1/calls/${callId}/kick`, this.app.key, { participant });
  }

  /** @returns credentials of whoever dialed or answered. @throws Error for a reply without. */
  static credentialsIn({ media }: CallReply): MediaCredentials {
    if (!media) throw new Error('The reply has no media credentials');
    return media;
  }
}
