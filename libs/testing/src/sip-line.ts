import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { eventually } from './eventually.js';

/** What a phone shows to sign in, besides the request it is shown with. */
export interface SipCredentials {
  username: string;
  password: string;
  realm: string;
}

export interface SipAsking {
  method: string;
  uri: string;
  cseq: number;
  callId?: string;
  /** Of the dialog that it is part of, as it was answered. */
  toTag?: string | undefined;
  branch?: string;
  /** Of a dialog that goes on, with its tag; else the URI that is asked for. */
  to?: string;
  /** Further header fields, each a line. */
  more?: string[];
}

/** A phone's line to the SIP gateway, letter by letter: says what it is told to say, and answers every request with 200. */
export class SipLine {
  readonly heard: string[] = [];
  readonly callId = randomBytes(6).toString('hex');
  #waiting = '';

  private constructor(
    readonly transport: 'UDP' | 'TCP' | 'TLS',
    private readonly write: (text: string) => void,
    readonly close: () => void,
  ) {}

  static async overUdp(port: number): Promise<SipLine> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const line: SipLine = new SipLine(
      'UDP',
      (text) => socket.send(text, port, '127.0.0.1'),
      () => socket.close(),
    );
    socket.on('message', (data) => line.#hear(String(data)));
    return line;
  }

  static async overTcp(port: number): Promise<SipLine> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return SipLine.over(socket, 'TCP');
  }

  static over(socket: Duplex, transport: 'TCP' | 'TLS'): SipLine {
    const line: SipLine = new SipLine(
      transport,
      (text) => socket.write(text),
      () => socket.destroy(),
    );
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => line.#gather(String(data)));
    return line;
  }

  /** Sends a request. @returns its final answer. */
  async ask(asking: SipAsking): Promise<string> {
    const before = this.heard.length;
    this.write(this.textOf(asking));
    const isAnswer = (text: string) => text.startsWith('SIP/2.0 ') && text.includes(`\r\nCSeq: ${asking.cseq} ${asking.method}\r\n`);
    return eventually(`an answer to ${asking.method} ${asking.cseq}`, () => this.heard.slice(before).find(isAnswer));
  }

  /** @returns the requests that came, each once. */
  get requests(): string[] {
    const all = this.heard.filter((text) => !text.startsWith('SIP/2.0 '));
    return [...new Map(all.map((text) => [/^CSeq: .*$/m.exec(text)?.[0], text])).values()];
  }

  textOf({ method, uri, cseq, toTag, more = [], ...asking }: SipAsking): string {
    const { callId = this.callId, branch = `z9hG4bK${randomBytes(8).toString('hex')}` } = asking;
    const { to = `<${uri}>${toTag === undefined ? '' : `;tag=${toTag}`}` } = asking;
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${this.transport} 127.0.0.1:5999;branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: <sip:desk@phone>;tag=${this.callId}`,
      `To: ${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      ...more,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
  }

  #gather(text: string): void {
    this.#waiting += text;
    for (;;) {
      const head = this.#waiting.indexOf('\r\n\r\n');
      const length = Number(/^content-length: *(\d+)/im.exec(this.#waiting)?.[1] ?? 0);
      if (head < 0 || this.#waiting.length < head + 4 + length) return;
      this.#hear(this.#waiting.slice(0, head + 4 + length));
      this.#waiting = this.#waiting.slice(head + 4 + length);
    }
  }

  #hear(text: string): void {
    this.heard.push(text);
    if (text.startsWith('SIP/2.0 ')) return;
    const lines = text.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq):/i.test(line));
    this.write(['SIP/2.0 200 OK', ...lines, 'Content-Length: 0', '', ''].join('\r\n'));
  }
}

/** @returns the algorithms an answer challenges for, in order, and the nonce. */
export function challengeIn(answer: string): { algorithms: string[]; nonce: string; stale: boolean } {
  const challenges = answer.split('\r\n').filter((line) => /^www-authenticate:/i.test(line));
  return {
    algorithms: challenges.map((line) => /algorithm=([\w-]+)/.exec(line)?.[1] ?? ''),
    nonce: /nonce="([^"]+)"/.exec(challenges[0] ?? '')?.[1] ?? '',
    stale: /stale=true/.test(challenges[0] ?? ''),
  };
}

/** @returns the header field that answers a challenge (RFC 7616 §3.4), for a request. */
export function digestLine(
  { username, password, realm }: SipCredentials,
  {
    method,
    uri,
    nonce,
    count = 1,
    algorithm = 'SHA-256',
  }: { method: string; uri: string; nonce: string; count?: number; algorithm?: string },
): string {
  const hash = (text: string) => createHash(algorithm).update(text).digest('hex');
  const nc = count.toString(16).padStart(8, '0');
  const secret = hash(`${username}:${realm}:${password}`);
  const response = hash(`${secret}:${nonce}:${nc}:phone:auth:${hash(`${method}:${uri}`)}`);
  return (
    `Authorization: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    `algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="phone"`
  );
}
