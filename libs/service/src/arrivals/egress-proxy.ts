import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** An answer to CONNECT is a line and some headers. */
const mostHeadBytes = 16_384;
const endOfHead = '\r\n\r\n';

/**
 * Opens a tunnel through an HTTP proxy by CONNECT (RFC 9110 §9.3.6).
 * @param proxy where it is; a user and password in it are sent as Proxy-Authorization. @param to an address and a port. @param timeoutMs for all of it.
 * @returns a socket on which the other end answers. @throws Error where the proxy is away, refuses, or says nothing in time.
 */
export function openTunnel(proxy: URL, to: { address: string; port: number }, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = socketTo(proxy);
    let head = Buffer.alloc(0);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      socket.off('data', onData).off('error', fail).off('close', onClose);
      if (!error) return resolve(socket);
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const fail = (error: Error) => settle(new Error(`The egress proxy failed: ${error.message}`, { cause: error }));
    const onClose = () => fail(new Error('it hung up'));
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(endOfHead);
      if (end < 0) return head.length > mostHeadBytes ? fail(new Error('it answered more than CONNECT has')) : undefined;
      const [status = ''] = head.subarray(0, end).toString('latin1').split('\r\n');
      if (!/^HTTP\/1\.[01] 2\d\d(?: |$)/.test(status)) return fail(new Error(`it answered ${status.slice(0, 100)}`));
      socket.pause();
      const rest = head.subarray(end + endOfHead.length);
      if (rest.length > 0) socket.unshift(rest);
      settle();
    };
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.on('data', onData).on('error', fail).on('close', onClose);
    socket.write(connectRequest(proxy, to));
  });
}

function socketTo({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') return connect({ host, port: Number(port || 80) });
  return connectSecurely({ host, port: Number(port || 443), ...(isIP(host) === 0 && { servername: host }) });
}

function connectRequest({ username, password }: URL, { address, port }: { address: string; port: number }): string {
  const authority = isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const authorization = username ? `Proxy-Authorization: Basic ${credentials}\r\n` : '';
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`;
}
