import { Identity, ProblemError } from '@communication-center/service';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WebSocketServer } from 'ws';

/** Sockets that answer each frame with it, and say at first in whose name they were opened: they show what passing one on costs. */
export function openLiveUsage(app: NestFastifyApplication): void {
  const identity = app.get(Identity);
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: () => 'usage.v1' });
  app.getHttpServer().on('upgrade', (request, socket, head) => {
    identity.verify(request.headers.authorization).then(
      (subject) =>
        sockets.handleUpgrade(request, socket, head, (opened) => {
          opened.send(JSON.stringify(subject));
          opened.on('message', (data, isBinary) => opened.send(data, { binary: isBinary }));
        }),
      (error: unknown) => socket.end(`HTTP/1.1 ${error instanceof ProblemError ? 401 : 500} Refused\r\nConnection: close\r\n\r\n`),
    );
  });
}
