import { EventEmitter } from 'node:events';
import type { AppId } from '@communication-center/contracts';
import { beforeEach, expect, test } from 'vitest';
import type { StreamResponse } from './presence-stream.js';
import { PresenceStreams } from './presence-streams.js';

const [loud, quiet] = ['loud' as AppId, 'quiet' as AppId];
let streams: PresenceStreams;

class Reader extends EventEmitter {
  readonly texts: string[] = [];
  write(text: string): boolean {
    this.texts.push(text);
    return true;
  }
  end(): void {
    this.emit('close');
  }
}

beforeEach(() => {
  const sql = { query: async () => ({ rows: [], rowCount: 0 }) };
  const database = { ...sql, of: () => sql };
  const settings = { MAX_STREAMS: 3, MAX_STREAMS_PER_APP: 2, STREAM_HEARTBEAT_MS: 60_000 };
  const [log, server] = [{}, { include: () => undefined }];
  streams = new PresenceStreams(log as never, server as never, database as never, settings as never, () => undefined, {} as never);
});

function open(appId: AppId): Reader {
  streams.requireRoom(appId);
  const reader = new Reader();
  streams.serve({ appId, only: undefined, from: undefined }, reader as unknown as StreamResponse);
  return reader;
}

test('one app cannot take the streams of all', () => {
  const first = open(loud);
  open(loud);
  expect(() => open(loud)).toThrow('2 streams of an app');
  open(quiet);
  expect(() => open(quiet)).toThrow('as many streams as it may');
  first.end();
  open(loud);
});
