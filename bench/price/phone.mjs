import { Agent, request } from 'node:http';
import { WebSocket } from 'ws';

const stepLimitMs = 30_000;

/** One device on a bare socket: it speaks the protocol and does no more, so that what is measured is the Center. */
export class Phone {
  #frames = 0;
  /** Who waits for a reply, by the id of the frame. */
  #asked = new Map();
  /** Who waits to be told of an event, by its type. */
  #hearing = new Map();

  constructor(socket, alias, onPresence) {
    this.socket = socket;
    this.alias = alias;
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.type === 'event') this.#hear(frame.event);
      else if (frame.type === 'presence') onPresence?.(frame.presence);
      else if (frame.id !== undefined) this.#answer(frame);
    });
  }

  /** Opens a socket, signs in, and resolves when the snapshot has come. */
  static async open(url, { appId, userAlias, token, deviceId, onPresence }) {
    const address = `${url.replace('http', 'ws')}/v1/socket`;
    const socket = new WebSocket(address, 'communication-center.v1', { perMessageDeflate: false, handshakeTimeout: stepLimitMs });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const phone = new Phone(socket, userAlias, onPresence);
    await inTime(phone.ask({ type: 'connect', appId, userAlias, deviceId, token }), `${userAlias} signing in`);
    return phone;
  }

  /** Sends a frame. @returns the frame that answers it. */
  ask(frame) {
    const id = ++this.#frames;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ ...frame, id }));
    });
  }

  /** @returns the next event of a type, of this call where one is named. */
  hears(type, callId) {
    return new Promise((resolve) => this.#hearing.set(type, { callId, resolve }));
  }

  /** Waits for nothing any more. */
  forget() {
    this.#hearing.clear();
  }

  #hear(event) {
    const waiting = this.#hearing.get(event.type);
    if (!waiting || (waiting.callId !== undefined && waiting.callId !== event.callid)) return;
    this.#hearing.delete(event.type);
    waiting.resolve(event);
  }

  #answer(frame) {
    const asked = this.#asked.get(frame.id);
    this.#asked.delete(frame.id);
    if (frame.type === 'error') asked?.reject(new Error(`${frame.error.code}: ${frame.error.message}`));
    else asked?.resolve(frame);
  }
}

/** Resolves as the work does. @throws when that takes longer than any step of a call may. */
export async function inTime(work, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${stepLimitMs / 1000} s`)), stepLimitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** How commands about calls are given: over the phones' own sockets. */
export const overSockets = {
  dial: (phone, callees) => phone.ask({ type: 'dial', commandId: crypto.randomUUID(), callees }),
  act: (phone, type, callId) => phone.ask({ type, commandId: crypto.randomUUID(), callId }),
};

/** The same over REST, with the key of an app; events are still heard on the sockets. */
export function overRest(url, keyOf) {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const post = (phone, path, body) =>
    new Promise((resolve, reject) => {
      const text = JSON.stringify({ ...body, commandId: crypto.randomUUID(), userAlias: phone.alias, deviceId: 'd' });
      const headers = {
        authorization: `Bearer ${keyOf(phone)}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      };
      const asked = request(new URL(path, url), { method: 'POST', agent, headers, timeout: stepLimitMs }, (answer) => {
        let said = '';
        answer.on('data', (part) => (said += part));
        answer.on('end', () => (answer.statusCode < 300 ? resolve(JSON.parse(said)) : reject(new Error(`${answer.statusCode} ${said}`))));
      });
      asked.on('timeout', () => asked.destroy(new Error(`no answer of ${path}`)));
      asked.on('error', reject);
      asked.end(text);
    });
  return {
    dial: (phone, callees) => post(phone, '/v1/calls', { callees }),
    act: (phone, type, callId) => post(phone, `/v1/calls/${callId}/${type.replace('_', '-')}`, {}),
  };
}
