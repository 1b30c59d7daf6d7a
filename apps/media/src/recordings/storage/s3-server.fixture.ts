import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RecordingStorageBody } from '@communication-center/contracts/recordings';

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const libraries = join(root, '.run/cache/s3proxy-2.6.0');
const bucket = 'recordings';
const credential = { accessKeyId: 'local-identity', secretAccessKey: 'local-credential' };

/** How often the line is to hang still, and how often it did. */
interface Mood {
  times: number;
  afterBytes: number;
  hung: number;
}

/** A server that speaks S3 (S3Proxy, fetched by Maven), and a line to it that sees what is sent. */
export class S3Server {
  private constructor(
    private readonly stopAll: () => Promise<void>,
    readonly place: RecordingStorageBody,
    /** The requests, by their first lines and headers. */
    readonly heard: string[],
    private readonly mood: Mood,
  ) {}

  /** The next so many requests that send something are not taken any further once this much of each came, and not answered. */
  hang(times: number, afterBytes: number): void {
    Object.assign(this.mood, { times, afterBytes, hung: 0 });
  }

  /** How many did so. */
  get hung(): number {
    return this.mood.hung;
  }

  static async start(): Promise<S3Server> {
    fetchServer();
    const folder = mkdtempSync(join(tmpdir(), 's3-'));
    // A folder of the file system is a bucket.
    mkdirSync(join(folder, 'files', bucket), { recursive: true });
    const port = await freePort();
    const settings = {
      's3proxy.endpoint': `http://127.0.0.1:${port}`,
      's3proxy.authorization': 'aws-v2-or-v4',
      's3proxy.identity': credential.accessKeyId,
      's3proxy.credential': credential.secretAccessKey,
      's3proxy.ignore-unknown-headers': 'true',
      'jclouds.provider': 'filesystem-nio2',
      'jclouds.identity': 'none',
      'jclouds.credential': 'none',
      'jclouds.filesystem.basedir': join(folder, 'files'),
    };
    const config = join(folder, 's3proxy.properties');
    writeFileSync(
      config,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    // It tells of every step otherwise, more than is taken from a child.
    const quiet = join(folder, 'logback.xml');
    writeFileSync(quiet, '<configuration><root level="OFF"/></configuration>');
    const flags = ['-Xmx128m', '-XX:TieredStopAtLevel=1', `-Dlogback.configurationFile=${quiet}`];
    const server = execFile('java', [...flags, '-cp', join(libraries, '*'), 'org.gaul.s3proxy.Main', '--properties', config]);
    const heard: string[] = [];
    const mood: Mood = { times: 0, afterBytes: 0, hung: 0 };
    const line = lineTo(port, heard, mood);
    await new Promise<void>((resolve) => line.listen(0, '127.0.0.1', resolve));
    await answering(port);
    const stop = async () => {
      line.close();
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    };
    const endpoint = `http://127.0.0.1:${(line.address() as AddressInfo).port}`;
    return new S3Server(stop, { endpoint, region: 'us-east-1', bucket, prefix: '', ...credential, encryption: 'AES256' }, heard, mood);
  }

  stop(): Promise<void> {
    return this.stopAll();
  }
}

function fetchServer(): void {
  if (existsSync(libraries)) return;
  const draft = `${libraries}.draft-${process.pid}`;
  const args = ['-q', '-B', '-f', join(root, 'deploy/s3proxy/pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime'];
  execFileSync('mvn', [...args, `-DoutputDirectory=${draft}`], { timeout: 300_000 });
  if (!existsSync(libraries)) renameSync(draft, libraries);
}

/** Passes bytes on as they are, and notes the heads of requests; in a mood it takes no more in the middle of one. */
function lineTo(port: number, heard: string[], mood: Mood): Server {
  return createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let came = 0;
    near.on('data', (data: Buffer) => {
      const text = data.toString('latin1');
      for (const [head] of text.matchAll(/^(?:GET|PUT|POST|DELETE) \S+ HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*/gm)) {
        heard.push(head);
        came = head.startsWith('PUT') ? 0 : Number.NEGATIVE_INFINITY;
      }
      came += data.length;
      if (mood.times <= 0 || came < mood.afterBytes) return;
      mood.times -= 1;
      mood.hung += 1;
      // What came with it may be all there is of a small one: no answer leaves either.
      far.unpipe(near);
      near.unpipe(far);
      near.pause();
    });
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      socket.on('error', () => {
        near.destroy();
        far.destroy();
      });
    }
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const isUp = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) }).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('The S3 server does not answer');
}
