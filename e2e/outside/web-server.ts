import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';

const page = `<!doctype html><title>A shop</title><script type="importmap">${JSON.stringify({
  imports: {
    '@communication-center/client': '/node_modules/@communication-center/client/dist/index.js',
    '@communication-center/contracts':
      '/node_modules/@communication-center/client/node_modules/@communication-center/contracts/dist/index.js',
    zod: '/node_modules/zod/index.js',
  },
})}</script><script type="module">import { callOnce } from '/built/app.js'; window.callOnce = callOnce;</script>`;

/** Serves a project's files, unbundled, and a page that has `callOnce`: a site of its own origin. */
export class WebServer {
  readonly #server: Server;

  constructor(folder: string) {
    this.#server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? '/', 'http://site').pathname);
      if (path === '/') return response.setHeader('content-type', 'text/html').end(page);
      try {
        response.setHeader('content-type', 'text/javascript').end(readFileSync(join(folder, path)));
      } catch {
        response.writeHead(404).end();
      }
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
