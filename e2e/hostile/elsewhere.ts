import { request } from 'node:http';
import { WebSocket } from 'ws';

/** Where whoever attacks comes from: what is counted against that address is not counted against the tests that follow. */
export const elsewhere = '127.0.0.66';

/** Opens a socket from there. */
export function socketFromElsewhere(url: string, protocol: string): WebSocket {
  return new WebSocket(url, protocol, { localAddress: elsewhere, perMessageDeflate: false });
}

/** Asks from there, and looks at nothing of the answer. */
export async function askFromElsewhere(
  url: URL,
  { method, key, body }: { method: string; key: string; body?: string | undefined },
): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) };
  await new Promise<void>((resolve) => {
    const asked = request(url, { method, headers, localAddress: elsewhere, timeout: 5000 }, (answer) => {
      answer.resume().on('end', resolve).on('error', resolve);
    });
    asked.on('error', () => resolve()).on('timeout', () => asked.destroy());
    asked.end(body);
  });
}
