import { rmSync } from 'node:fs';
import { createServer, request } from 'node:http';

/** Lets `npm stop`, `npm run status` and the tests speak to a running supervisor, over a socket only its user can open. */
export async function serveControl(path, handle) {
  rmSync(path, { force: true });
  const server = createServer((incoming, outgoing) => {
    handle(incoming.method, incoming.url)
      .then((answer) => outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {})))
      .catch((error) => outgoing.writeHead(500).end(JSON.stringify({ error: error.message })));
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, readableAll: false }, resolve);
  });
  return () => {
    // The request that asked for the stop is answered yet.
    server.closeIdleConnections();
    server.close();
    rmSync(path, { force: true });
  };
}

/** @returns the supervisor's answer; undefined when none runs. */
export function askControl(socketPath, method, path) {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path }, (incoming) => {
      let text = '';
      incoming.on('data', (data) => (text += data));
      incoming.on('end', () => (incoming.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(JSON.parse(text).error))));
    });
    asked.setTimeout(60_000, () => asked.destroy(new Error('the supervisor does not answer')));
    asked.once('error', (error) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else reject(error);
    });
    asked.end();
  });
}
