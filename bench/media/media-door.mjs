import { once } from 'node:events';
import { mediaSubprotocol } from '@communication-center/contracts';
import WebSocket from 'ws';

/** A media socket of a device. */
export class MediaDoor {
  #socket;
  #heard = [];
  #waiting = [];
  #take = (frame) => void this.#heard.push(frame);

  static async open(url) {
    const door = new MediaDoor();
    door.#socket = new WebSocket(url, mediaSubprotocol, { handshakeTimeout: 5000 });
    await once(door.#socket, 'open');
    door.#socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      const index = door.#waiting.findIndex(({ type }) => type === frame.type || frame.type === 'error');
      if (index < 0) return door.#take(frame);
      const [{ resolve, reject }] = door.#waiting.splice(index, 1);
      if (frame.type === 'error') reject(new Error(`The media door says: ${frame.error.code} ${frame.error.message}`));
      else resolve(frame);
    });
    return door;
  }

  /** From now on takes whatever comes that nobody waits for, and what came before. */
  listen(take) {
    this.#take = take;
    for (const frame of this.#heard.splice(0)) take(frame);
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /** @returns the next frame of a kind. @throws what the door says is wrong, or that there was none. */
  async next(type) {
    const index = this.#heard.findIndex((frame) => frame.type === type);
    if (index >= 0) return this.#heard.splice(index, 1)[0];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the media door did not say ${type}`)), 15_000);
      const over = (end) => (value) => {
        clearTimeout(timer);
        end(value);
      };
      this.#waiting.push({ type, resolve: over(resolve), reject: over(reject) });
    });
  }

  close() {
    this.#socket.close();
  }
}
