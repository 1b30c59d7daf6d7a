/*
 * The processes that a broadcast is made by, with real media: what comes by RTP is seen and heard in segments, goes on when somebody leaves or sends
 * rubbish, is taken up by another run, and goes to a server of RTMP, or says why not. Nobody's arguments have an address or a key in them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PushFault } from '@communication-center/contracts/broadcasts';
import { AddressGuard } from '@communication-center/service';
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPlaylist } from './domain/playlist.js';
import { PushStream, type PushTarget } from './push/push-stream.js';
import { StudioProcess } from './studio-process.js';

const run = promisify(execFile);
/** What takes as long as media do: for npm run check:long; a call of browsers does most of it in e2e/media/broadcasts.e2e.spec.ts. */
const isWhole = process.env.EVERY_BROADCAST === 'true';
const running: (ChildProcess | StudioProcess | PushStream | Server)[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studio-'));
});
afterEach(async () => {
  for (const one of running.splice(0)) {
    if (one instanceof StudioProcess) one.end();
    else if ('kill' in one) one.kill('SIGKILL');
    else one.close();
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function aStudio(name: string, onSegment: (name: string) => void = () => undefined): StudioProcess {
  const options = { folder, run: name, host: '127.0.0.1', ports: undefined, height: 180, framesPerSecond: 10, bitsPerSecond: 300_000 };
  const studio = new StudioProcess(options, onSegment);
  running.push(studio);
  return studio;
}

/** Somebody who sends a red picture and a tone, as Janus forwards it. */
function aSender(port: number, { audio, video }: { audio: number; video: number }): ChildProcess {
  const to = `rtp://127.0.0.1:${port}`;
  const child = spawn('ffmpeg', [
    ...['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'color=red:size=320x180:rate=10', '-re', '-f', 'lavfi', '-i', 'sine=440:r=48000'],
    ...['-map', '0:v', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '10', '-ssrc', String(video), '-f', 'rtp', to],
    ...['-map', '1:a', '-c:a', 'libopus', '-ssrc', String(audio), '-f', 'rtp', to],
  ]);
  running.push(child);
  return child;
}

const playlist = async () => readPlaylist(await readFile(join(folder, 'live.m3u8'), 'utf8').catch(() => ''));

/** @returns the colour in the middle of the left half of the newest segment, and how loud it is in dB. */
async function newest(): Promise<{ red: number; green: number; loudness: number }> {
  const { segments } = await playlist();
  const name = join(folder, segments.at(-1)?.name ?? '');
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', name, '-vf', 'crop=2:2:80:90,scale=1:1', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
    {
      encoding: 'buffer',
    },
  );
  const { stderr } = await run('ffmpeg', ['-i', name, '-af', 'volumedetect', '-vn', '-f', 'null', '-']);
  return { red: stdout[0] ?? 0, green: stdout[1] ?? 0, loudness: Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]) };
}

test.runIf(isWhole)(
  'what comes is seen and heard, until it comes no more; and another run goes on in the same playlist',
  async () => {
    const studio = aStudio('1-0');
    const port = await eventually('a port', () => studio.port);
    const sources = { audio: 1111, video: 2222 };
    studio.show([
      { id: 'a', isScreen: false, ...sources },
      { id: 'b', isScreen: false, audio: 3333, video: 4444 },
    ]);
    const sender = aSender(port, sources);
    await eventually(
      'its picture and its tone',
      async () => {
        const { red, green, loudness } = await newest().catch(() => ({ red: 0, green: 0, loudness: -100 }));
        return red > 200 && green < 60 && loudness > -40;
      },
      20_000,
    );
    expect(studio.latencyMs).toBeGreaterThan(900);
    // Who was named, and of whom nothing comes, lacks a picture; who is seen does not.
    await eventually('what lacks', () => [...studio.takeLacking()].join() === 'b' || undefined);
    sender.kill('SIGKILL');
    await eventually(
      'neither any more',
      async () => {
        const { red, loudness } = await newest();
        return red < 100 && loudness < -60;
      },
      20_000,
    );
    studio.end();
    await eventually('its end', () => studio.ended);
    const before = await playlist();
    const next = aStudio('2-0');
    const after = await eventually(
      'another run',
      async () => {
        const now = await playlist();
        return next.isLive && now.segments.length > 0 ? now : undefined;
      },
      15_000,
    );
    const breaks = after.segments.filter(({ isAfterBreak }) => isAfterBreak).map(({ name }) => name.slice(0, 3));
    expect(breaks).toEqual(['2-0']);
    expect(after.sequence + after.segments.length).toBeGreaterThan(before.sequence + before.segments.length);
  },
  60_000,
);

const guard = (more: object = {}) =>
  new AddressGuard({ PROFILE: 'development', ALLOW_PRIVATE_ADDRESSES: true, OUTSIDE_PORTS: [], OUTSIDE_ALLOWED: [], ...more } as never);

/** @returns what becomes of a push. */
function aPush(target: PushTarget, guarded = guard()) {
  const told = { live: false, fault: undefined as PushFault | undefined };
  const stream = new PushStream(target, {
    ...{ guard: guarded, folder, timeoutMs: 1500 },
    onLive: () => (told.live = true),
    onEnd: (fault) => (told.fault = fault),
  });
  running.push(stream);
  return { stream, told };
}

async function listening(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(onSocket).listen(0, '127.0.0.1');
  running.push(server);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

const streamKey = 'live_secret_1234';

test.runIf(isWhole)(
  'a server of RTMP gets it, and nobody’s arguments tell where, nor its key; when the server goes, the push says so',
  async () => {
    const port = await listening(() => undefined);
    const server = running.pop() as Server;
    server.close();
    await once(server, 'close');
    const file = join(folder, 'taken.ts');
    const taker = spawn('ffmpeg', [
      '-loglevel',
      'error',
      '-nostdin',
      '-analyzeduration',
      '1M',
      '-listen',
      '1',
      '-i',
      `rtmp://127.0.0.1:${port}/app/x`,
      '-c',
      'copy',
      '-flush_packets',
      '1',
      '-f',
      'mpegts',
      file,
    ]);
    running.push(taker);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { stream, told } = aPush({ url: `rtmp://127.0.0.1:${port}/app`, streamKey });
    aStudio('1-0', (name) => stream.push(name));
    await eventually('it being taken', () => told.live || undefined, 20_000);
    const { stdout: all } = await run('ps', ['-eo', 'args']);
    expect(all).not.toContain(streamKey);
    await eventually(
      'two seconds of it',
      async () => {
        const { stdout } = await run('ffprobe', [
          '-v',
          'error',
          '-show_entries',
          'format=duration:stream=codec_name',
          '-of',
          'csv=p=0',
          file,
        ]).catch(() => ({ stdout: '' }));
        return /h264/.test(stdout) && /aac/.test(stdout) && Number(stdout.trim().split('\n').at(-1)) > 2;
      },
      20_000,
    );
    taker.kill('SIGKILL');
    await eventually('the end of it', () => told.fault);
    expect(told.fault).toBe('broken');
  },
  60_000,
);

test.each<[string, PushFault, (socket: Socket) => void]>([
  ['says nothing', 'timed_out', () => undefined],
  ['hangs up', 'broken', (socket) => socket.destroy()],
  ['speaks something else', 'refused', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  [
    'sends rubbish after the handshake',
    'refused',
    (socket) => {
      socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(3072)]));
      socket.write(Buffer.alloc(5000, 0xff));
    },
  ],
])('a server that %s fails it as %s, in time', async (_, fault, act) => {
  const port = await listening((socket) => {
    socket.on('error', () => undefined);
    act(socket);
  });
  const { told } = aPush({ url: `rtmp://127.0.0.1:${port}/app`, streamKey });
  await eventually('the fault', () => told.fault, 5000);
  expect(told.fault).toBe(fault);
});

test('a name that leads inside is not connected to, though it was judged before', async () => {
  let connected = 0;
  const port = await listening(() => (connected += 1));
  const inside = guard({ PROFILE: 'production', ALLOW_PRIVATE_ADDRESSES: false, OUTSIDE_ALLOWED: [] });
  for (const host of ['localhost', '127.0.0.1', '[::1]', '2130706433']) {
    const { told } = aPush({ url: `rtmp://${host}:${port}/app`, streamKey }, inside);
    await eventually('the fault', () => told.fault, 5000);
    expect(['address_refused', 'unreachable']).toContain(told.fault);
  }
  expect(connected).toBe(0);
});
