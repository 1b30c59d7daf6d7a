import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { WebSocket } from 'ws';

/*
 * Sends wrong tokens as fast as they are taken, in a process of its own: over connections that stay and ask without waiting for answers,
 * and over sockets, each of which tries once. It is told where, from which addresses and for how long; and says what it heard.
 */
process.on('message', async ({ url, from, forMs, connections, ahead, sockets }) => {
  const heard = { sent: 0, answered: {}, cut: 0 };
  const until = Date.now() + forMs;
  const flood = { url: new URL(url), until, heard, ahead };
  await Promise.all([
    ...Array.from({ length: connections }, (_, n) => asking(flood, from[n % from.length])),
    ...Array.from({ length: sockets }, (_, n) => connecting(flood, from[n % from.length])),
  ]);
  process.send(heard);
});

/** Looks like a token of a user, and is signed by nobody. */
const claims = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
const wrongToken = () => `${claims}.${randomBytes(60).toString('base64url')}.${randomBytes(32).toString('base64url')}`;
const requestWith = (token) => `GET /v1/calls HTTP/1.1\r\nHost: door\r\nAuthorization: Bearer ${token}\r\n\r\n`;

function note(heard, outcome) {
  heard.answered[outcome] = (heard.answered[outcome] ?? 0) + 1;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps `ahead` requests on the way over one connection, and makes another when it is cut. */
async function asking(flood, localAddress) {
  while (Date.now() < flood.until) {
    await askUntilCut(flood, localAddress);
    // A connection that was refused is not tried again at once: that would be another flood.
    await pause(5);
  }
}

function askUntilCut({ url, until, heard, ahead }, localAddress) {
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), localAddress, noDelay: true });
    let onTheWay = 0;
    let rest = '';
    const ended = setTimeout(() => socket.destroy(), Math.max(0, until - Date.now()) + 500);
    const fill = () => {
      if (Date.now() >= until) return socket.destroy();
      let text = '';
      for (; onTheWay < ahead; onTheWay += 1) {
        text += requestWith(wrongToken());
        heard.sent += 1;
      }
      if (text) socket.write(text);
    };
    socket.on('connect', fill);
    socket.on('data', (data) => {
      const parts = (rest + data.toString('latin1')).split('HTTP/1.1 ');
      // A line that came in two pieces is read with the next.
      rest = parts.at(-1).length < 3 && parts.length > 1 ? `HTTP/1.1 ${parts.pop()}` : parts.at(-1).slice(-8);
      for (const part of parts.slice(1)) {
        note(heard, part.slice(0, 3));
        onTheWay -= 1;
      }
      if (onTheWay <= ahead / 2) fill();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(ended);
      heard.cut += 1;
      resolve();
    });
  });
}

async function connecting({ url, until, heard }, localAddress) {
  while (Date.now() < until) {
    heard.sent += 1;
    note(heard, await connectOnce(url, localAddress));
  }
}

function connectOnce(url, localAddress) {
  return new Promise((resolve) => {
    const address = `${url.origin.replace('http', 'ws')}/v1/socket`;
    const options = { localAddress, perMessageDeflate: false, handshakeTimeout: 10_000 };
    const socket = new WebSocket(address, 'communication-center.v1', options);
    socket.on('open', () =>
      socket.send(
        JSON.stringify({
          type: 'connect',
          id: 0,
          appId: 'bench',
          userAlias: 'mallory',
          deviceId: 'd',
          platform: 'web',
          token: wrongToken(),
        }),
      ),
    );
    socket.on('message', (data) => {
      const { error } = JSON.parse(data.toString());
      resolve(error?.code ?? 'no error');
      socket.terminate();
    });
    socket.on('unexpected-response', (request, response) => {
      resolve(String(response.statusCode));
      request.destroy();
    });
    socket.on('error', () => resolve('cut'));
    socket.on('close', () => resolve('closed'));
  });
}
