import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebhookBody, webhookBodySchema } from '@communication-center/contracts';
import { Webhook } from 'standardwebhooks';

export interface Received {
  id: string;
  body: WebhookBody;
}

/** An integrator's server: takes deliveries, checks their signatures as Standard Webhooks says. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  readonly badSignatures: string[] = [];
  /** Statuses given to the next deliveries, before 204. */
  readonly statuses: number[] = [];
  secret = '';
  /** Whether it leaves deliveries without an answer, and how many it has left so. */
  hangs = false;
  unanswered = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    if (this.hangs) {
      this.unanswered += 1;
      return;
    }
    const id = String(request.headers['webhook-id']);
    try {
      new Webhook(this.secret).verify(text, request.headers as Record<string, string>);
    } catch {
      this.badSignatures.push(id);
    }
    const status = this.statuses.shift() ?? 204;
    if (status === 204) this.received.push({ id, body: webhookBodySchema.parse(JSON.parse(text)) });
    response.writeHead(status).end();
  }
}
