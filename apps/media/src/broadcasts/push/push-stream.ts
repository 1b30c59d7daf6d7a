import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { PushFault } from '@communication-center/contracts/broadcasts';
import type { AddressGuard } from '@communication-center/service';
import { encloses } from '../behind.js';
import { FlvFault, FlvReader } from './flv.js';
import { PushFailed, RtmpPublisher } from './rtmp-publisher.js';

/** What ffmpeg was given and has not read may be so much, in bytes. */
const mostUnread = 8_000_000;

/** Where to. */
export interface PushTarget {
  url: string;
  streamKey: string;
}

export interface PushOptions {
  guard: AddressGuard;
  timeoutMs: number;
  /** Where segments lie. */
  folder: string;
  onLive: () => void;
  onEnd: (fault: PushFault, error: Error) => void;
}

/**
 * Passes a broadcast on to a server elsewhere, segment by segment: ffmpeg puts them into another container, and this process speaks RTMP. So ffmpeg is
 * told neither an address nor a key, which anybody on the machine could read in its arguments; and where to is judged as every address that an app names.
 * It has no part in what viewers get: whatever becomes of it, that goes on.
 */
export class PushStream {
  readonly #reader = new FlvReader();
  #remuxer: ChildProcess | undefined;
  #publisher: RtmpPublisher | undefined;
  #socket: Socket | undefined;
  #isOver = false;
  #reading = Promise.resolve();

  constructor(
    private readonly target: PushTarget,
    private readonly options: PushOptions,
  ) {
    this.#run().catch((error: unknown) => this.#fail(error));
  }

  /** A segment of its name is there: it goes where this leads. What comes before a server is ready is left out. */
  push(name: string): void {
    if (!this.#remuxer || this.#isOver) return;
    this.#reading = this.#reading.then(() => this.#feed(name)).catch((error: unknown) => this.#fail(error));
  }

  /** Another encoder begins: its times begin anew, and so does the container. */
  restart(): void {
    this.#fail(new PushFailed('broken', 'The encoder was started anew'));
  }

  close(): void {
    this.#isOver = true;
    this.#publisher?.close();
    this.#socket?.destroy();
    this.#remuxer?.kill('SIGKILL');
  }

  async #run(): Promise<void> {
    const { url, streamKey } = this.target;
    const parsed = new URL(url);
    this.#socket = await this.#connect(parsed);
    if (this.#isOver) return void this.#socket.destroy();
    const app = parsed.pathname.slice(1);
    const publisher = await RtmpPublisher.open(this.#socket, { app, url, streamKey, timeoutMs: this.options.timeoutMs });
    this.#publisher = publisher;
    publisher.failed.catch((error: unknown) => this.#fail(error));
    if (this.#isOver) return publisher.close();
    this.#remuxer = this.#startRemuxer(publisher);
  }

  #startRemuxer(publisher: RtmpPublisher): ChildProcess {
    const quietly = ['-hide_banner', '-loglevel', 'error'];
    const input = ['-fflags', 'nobuffer', '-probesize', '500000', '-f', 'mpegts', '-i', 'pipe:0'];
    const output = [
      '-c',
      'copy',
      '-bsf:a',
      'aac_adtstoasc',
      '-f',
      'flv',
      '-flvflags',
      'no_duration_filesize',
      '-flush_packets',
      '1',
      'pipe:1',
    ];
    const [program, ...args] = encloses('ffmpeg', [...quietly, ...input, ...output]);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    let isLive = false;
    child.stdout?.on('data', (bytes: Buffer) => {
      try {
        for (const tag of this.#reader.take(bytes)) {
          publisher.send(tag);
          if (!isLive && tag.type === 9) this.options.onLive();
          isLive ||= tag.type === 9;
        }
      } catch (error) {
        if (!(error instanceof FlvFault)) throw error;
        this.#fail(error);
      }
    });
    child.stdin?.on('error', () => undefined);
    child.once('error', (error) => this.#fail(error));
    child.once('exit', () => this.#fail(new Error('ffmpeg ended')));
    return child;
  }

  async #feed(name: string): Promise<void> {
    const stdin = this.#remuxer?.stdin;
    if (!stdin || this.#isOver) return;
    if (stdin.writableLength > mostUnread) throw new PushFailed('too_slow', 'The server takes less than is broadcast');
    stdin.write(await readFile(join(this.options.folder, name)));
  }

  /** The guard's connector speaks of HTTP, and would offer that to a server behind TLS: it makes the connection, and TLS goes over it here. */
  async #connect({ hostname, port, protocol }: URL): Promise<Socket> {
    const isSecured = protocol === 'rtmps:';
    const wanted = { hostname, host: hostname, protocol: 'http:', port: port || (isSecured ? '443' : '1935') };
    const plain = await new Promise<Socket>((resolve, reject) =>
      this.options.guard.connector()(wanted, (error, socket) => (socket ? resolve(socket) : reject(asFault(error)))),
    );
    if (!isSecured) return plain;
    const host = hostname.replace(/^\[|\]$/g, '');
    const secured = connectTls({ socket: plain, host, ...(isIP(host) === 0 && { servername: host }), minVersion: 'TLSv1.2' });
    try {
      await once(secured, 'secureConnect', { signal: AbortSignal.timeout(this.options.timeoutMs) });
      return secured;
    } catch (error) {
      secured.destroy();
      plain.destroy();
      const certificateFault: unknown = secured.authorizationError;
      if (certificateFault) throw new PushFailed('certificate_refused', `The certificate of the server is refused: ${certificateFault}`);
      throw asFault(error instanceof Error ? error : null);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.close();
    const failed = error instanceof Error ? error : new Error(String(error));
    this.options.onEnd(failed instanceof PushFailed ? failed.fault : 'broken', failed);
  }
}

/** @returns what a connection that did not come about counts as. */
function asFault(error: Error | null): PushFailed {
  const code = error && 'code' in error ? String(error.code) : '';
  if (code === 'EACCES') return new PushFailed('address_refused', 'The name leads to no address of the public internet');
  if (code.includes('TIMEOUT') || error?.name === 'AbortError' || error?.name === 'TimeoutError')
    return new PushFailed('timed_out', 'The server cannot be connected to in time');
  return new PushFailed('unreachable', `The server cannot be connected to: ${code || 'no reason is known'}`);
}
