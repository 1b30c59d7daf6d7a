import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Admin, type ISocketFactory, Kafka, type KafkaConfig, type logCreator } from 'kafkajs';

/** A connection whose other end vanished without a word is found dead by the kernel: 5 s of silence, then a probe each second. */
export const keptAliveSocket = ({ host, port, ssl, onConnect }: Parameters<ISocketFactory>[0]): Socket => {
  const name = isIP(host) ? {} : { servername: host };
  const socket = ssl ? connectTls({ host, port, ...name, ...ssl }, onConnect) : connectTcp({ host, port }, onConnect);
  return socket.setKeepAlive(true, 5000).setNoDelay(true);
};

/** Whoever waits for a connection hears that it is none, instead of waiting until its time is over. */
const ended = new Error('this connection was ended');

/** An admin that can be ended in the middle of a request. */
export interface EndableAdmin {
  admin: Admin;
  /** Ends every connection, those that are yet to be made included. */
  end(): Promise<void>;
}

/**
 * @returns an admin that gives up soon, because whoever asks again need not wait for a broker that is away. The client's own
 * `disconnect` leaves connections behind when requests are under way, and they keep a process alive: these can be ended.
 */
export function endableAdmin(config: KafkaConfig): EndableAdmin {
  const sockets = new Set<Socket>();
  let isEnded = false;
  const socketFactory: ISocketFactory = (wanted) => {
    const socket = keptAliveSocket(wanted);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (isEnded) socket.destroy(ended);
    return socket;
  };
  const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 1 };
  // What breaks off because it was ended is nobody's worry.
  const logCreator: logCreator = (level) => {
    const write = config.logCreator?.(level);
    return (entry) => {
      if (!isEnded) write?.(entry);
    };
  };
  const admin = new Kafka({ ...config, retry, socketFactory, logCreator }).admin();
  const end = async () => {
    isEnded = true;
    await admin.disconnect().catch(() => undefined);
    for (const socket of sockets) socket.destroy(ended);
  };
  return { admin, end };
}
