import { createHmac } from 'node:crypto';

/*
 * A process of its own that holds many client sockets, so that they can all be gone at once when it is killed. It is told
 * what to open, says `{ open }` once all are let in, and answers `report` with what became of them.
 */
const atOnce = 40;
const closed = [];
const pongs = [];
/** By user, how many of its devices know of a ring: by their snapshot, or by an event after it. */
const rung = {};
const asked = new Map();
let sockets = [];

function tokenOf(userAlias, { kid, secret }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: 'HS256', kid })}.${part({ sub: userAlias, iat, exp: iat + 3600 })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Opens a socket and signs in. A gateway that is busy may refuse one: its client comes again. */
async function open(url, connect) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await openOnce(url, connect);
    } catch (error) {
      if (tries === 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * Math.random()));
    }
  }
}

function openOnce(url, connect) {
  const socket = new WebSocket(url, 'communication-center.v1');
  return new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(JSON.stringify({ type: 'connect', id: 1, ...connect }));
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data));
      if (frame.type !== 'connected') return;
      let knows = false;
      const hear = (isRung) => {
        if (knows || !isRung) return;
        knows = true;
        rung[connect.userAlias] = (rung[connect.userAlias] ?? 0) + 1;
      };
      hear(frame.calls.length > 0);
      socket.onclose = ({ code }) => closed.push(code);
      socket.onmessage = (message) => {
        const heard = JSON.parse(String(message.data));
        if (heard.type === 'pong') pongs.push(performance.now() - asked.get(socket));
        hear(heard.type === 'event' && heard.event.type === 'call.dialed');
      };
      resolve(socket);
    };
  });
}

async function openAll({ url, appId, secret, prefix, count, devicesPerUser }) {
  let made = 0;
  const workers = Array.from({ length: atOnce }, async () => {
    while (made < count) {
      const number = made++;
      const userAlias = `${prefix}-${Math.floor(number / devicesPerUser)}`;
      sockets.push(await open(url, { appId, userAlias, deviceId: `device-${number}`, token: tokenOf(userAlias, secret) }));
    }
  });
  await Promise.all(workers);
  process.send({ open: sockets.length });
}

/** Every socket says something once a second, one after the other. */
function pingAll() {
  const step = 50;
  let next = 0;
  setInterval(() => {
    for (let count = Math.ceil((sockets.length * step) / 1000); count > 0; count -= 1) {
      const socket = sockets[next++ % sockets.length];
      asked.set(socket, performance.now());
      if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }
  }, step);
}

process.on('message', (message) => {
  if (message.open) openAll(message.open).catch((error) => process.send({ failed: String(error) }));
  else if (message === 'ping') pingAll();
  else if (message === 'report') {
    sockets = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
    process.send({ open: sockets.length, closed, pongs: pongs.splice(0), rung });
  }
});
process.on('disconnect', () => process.exit(0));
