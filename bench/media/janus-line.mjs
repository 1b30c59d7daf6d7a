import { once } from 'node:events';
import WebSocket from 'ws';

/** A bare line to a Janus, over its WebSocket API (https://janus.conf.meetecho.com/docs/rest.html). */
export class JanusLine {
  #socket;
  #secret;
  #asked = new Map();
  #last = 0;

  static async open(url, secret) {
    const line = new JanusLine();
    line.#secret = secret;
    line.#socket = new WebSocket(url, 'janus-protocol', { handshakeTimeout: 5000 });
    await once(line.#socket, 'open');
    line.#socket.on('message', (data) => {
      const answer = JSON.parse(String(data));
      if (answer.janus === 'ack') return;
      line.#asked.get(answer.transaction)?.(answer);
      line.#asked.delete(answer.transaction);
    });
    return line;
  }

  /** @returns the answer, or the event that follows the acknowledgement. @throws what Janus says is wrong, or that it says nothing. */
  async ask(request) {
    const transaction = String(++this.#last);
    const answer = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Janus did not answer ${request.janus}`)), 5000);
      this.#asked.set(transaction, (told) => {
        clearTimeout(timer);
        resolve(told);
      });
      this.#socket.send(JSON.stringify({ ...request, transaction, apisecret: this.#secret }));
    });
    const fault = answer.error?.reason ?? answer.plugindata?.data?.error;
    if (fault) throw new Error(`Janus says: ${fault}`);
    return answer;
  }

  close() {
    this.#socket.close();
  }
}
