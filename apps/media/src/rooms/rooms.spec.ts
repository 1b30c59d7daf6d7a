/*
 * A call's room is placed and made when somebody first joins it, once, however many join at once; it is closed at the call's end, and
 * a room that Janus lost, or that was swept, is made again. Calls that nobody joined cost nothing.
 */
import type { AppId, CallId } from '@communication-center/contracts';
import { type Postgres, ProblemError } from '@communication-center/service';
import type { VideoRoomHandle } from 'janode/plugins/videoroom';
import { expect, test } from 'vitest';
import type { JanusNodes } from '../janus/janus-nodes.js';
import type { MediaSettings } from '../settings.js';
import { EndRooms } from './end-rooms.js';
import { Rooms } from './rooms.js';

const idOf = (number: number) => `019b7777-0000-7000-8000-${String(number).padStart(12, '0')}` as CallId;
const call = { appId: 'demo' as AppId, callId: idOf(1) };
const who = { feed: 'f', display: '{}' };

const refusal = (code: number) => Object.assign(new Error('no'), { _code: code });

/** A Janus that has rooms, and notes what is asked of it. */
class StandInJanus {
  readonly rooms = new Map<string, number>();
  readonly asked: string[] = [];
  away = false;
  load = 0;
  isDrained = false;

  constructor(readonly name = 'janus-1') {}

  get isWell(): boolean {
    return !this.away;
  }
  placed(): void {
    this.load += 1;
  }
  async list() {
    return [...this.rooms].map(([room, num_participants]) => ({ room, num_participants }));
  }
  async attach(): Promise<VideoRoomHandle> {
    if (this.away) throw new ProblemError('media_unavailable');
    return this.handle;
  }
  async ask<T>(answer: Promise<T>): Promise<T> {
    return answer;
  }

  readonly handle = {
    create: async ({ room }: { room: string }) => {
      this.asked.push(`create ${room.at(-1)}`);
      await Promise.resolve();
      if (this.rooms.has(room)) throw refusal(427);
      this.rooms.set(room, 0);
    },
    joinPublisher: async ({ room }: { room: string }) => {
      if (!this.rooms.has(room)) throw refusal(426);
      this.rooms.set(room, (this.rooms.get(room) ?? 0) + 1);
      return { publishers: [], private_id: 1 };
    },
    destroy: async ({ room }: { room: string }) => {
      this.asked.push(`destroy ${room.at(-1)}`);
      if (!this.rooms.delete(room)) throw refusal(426);
    },
    detach: async () => undefined,
  } as unknown as VideoRoomHandle;
}

/** The nodes of a test, which has the first that is well carry a call. */
class StandInNodes {
  lost: (node: StandInJanus) => void = () => undefined;

  constructor(readonly all: StandInJanus[]) {}

  onLost(listener: (node: StandInJanus) => void): void {
    this.lost = listener;
  }
  named(name: string): StandInJanus | undefined {
    return this.all.find((node) => node.name === name);
  }
  isGood(name: string): boolean {
    return this.all.some((node) => node.name === name && node.isWell && !node.isDrained);
  }
  async mayStay(name: string): Promise<boolean> {
    return this.isGood(name);
  }
  async choose(): Promise<StandInJanus> {
    const node = this.all.find(({ name }) => this.isGood(name)) ?? this.all[0];
    if (!node) throw new ProblemError('media_unavailable');
    return node;
  }
}

interface Row {
  call_id: string;
  node: string;
  generation: number;
  secret: string;
  pin: string;
  closed_at: Date | null;
}

/** The table of rooms, as far as these statements go. */
class StandInTable {
  readonly rows = new Map<string, Row>();
  statements = 0;
  away = false;
  /** Has the next placing find what another transaction made only when asked again. */
  isRaced = false;

  async query(text: string, values: unknown[]): Promise<{ rows: Row[] }> {
    this.statements += 1;
    if (this.away) throw new Error('connection refused');
    if (text.includes('INSERT')) return this.#place(values as string[]);
    if (text.includes('generation + 1')) return this.#move(values as [string, string, number]);
    const named = [...this.rows.values()].filter((row) => (values[0] as string[]).includes(row.call_id));
    if (!text.startsWith('UPDATE')) return { rows: named.filter((row) => row.closed_at || (values[1] as string[]).includes(row.call_id)) };
    const open = named.filter(({ closed_at }) => !closed_at);
    for (const row of open) row.closed_at = new Date();
    return { rows: open };
  }

  #move([call_id, node, generation]: [string, string, number]): { rows: Row[] } {
    const row = this.rows.get(call_id);
    if (row?.generation !== generation || row.closed_at) return { rows: [] };
    Object.assign(row, { node, generation: generation + 1 });
    return { rows: [{ ...row }] };
  }

  #place([call_id = '', , node = '', secret = '', pin = '']: string[]): { rows: Row[] } {
    const row = this.rows.get(call_id) ?? { call_id, node, generation: 1, secret, pin, closed_at: null };
    this.rows.set(call_id, row);
    if (!this.isRaced) return { rows: [{ ...row }] };
    this.isRaced = false;
    return { rows: [] };
  }
}

function house() {
  const [janus, second, table] = [new StandInJanus(), new StandInJanus('janus-2'), new StandInTable()];
  const settings = { JANUS_ADMIN_KEY: 'k' } as MediaSettings;
  const nodes = new StandInNodes([janus, second]);
  const make = () => new Rooms(table as unknown as Postgres, nodes as unknown as JanusNodes, settings);
  const rooms = make();
  const placed = async (by = rooms) => by.place(call, await by.likely(call));
  const join = async (by = rooms) => {
    const room = await placed(by);
    const told = await by.join((nodes.named(room.node) ?? janus).handle, room, who);
    by.keep(room, room);
    return told;
  };
  return { janus, second, nodes, table, rooms, placed, join, make };
}

test('a call is placed once, whoever asks, and none that has ended', async () => {
  const { table, rooms, make, placed } = house();
  const room = await placed();
  expect(room).toMatchObject({ callId: call.callId, node: 'janus-1', generation: 1 });
  expect(await placed(make())).toEqual(room);
  table.isRaced = true;
  expect(await placed()).toEqual(room);
  await rooms.close([call.callId]);
  await expect(placed()).rejects.toMatchObject({ code: 'room_closed' });
});

test('a call whose node died, or is being drained, moves with the next who joins: its generation rises once, and who joins later goes there', async () => {
  const { janus, second, table, rooms, join, make, placed } = house();
  await join();
  janus.away = true;
  const places = await Promise.all([placed(), placed(make())]);
  expect(places.map(({ node, generation }) => [node, generation])).toEqual([
    ['janus-2', 2],
    ['janus-2', 2],
  ]);
  await join();
  expect(second.rooms.get(call.callId)).toBe(1);
  janus.away = false;
  expect(await placed(), 'it stays where it is well').toMatchObject({ node: 'janus-2', generation: 2 });
  second.isDrained = true;
  expect(await placed()).toMatchObject({ node: 'janus-1', generation: 3 });
  await rooms.close([call.callId]);
  expect([table.rows.get(call.callId)?.closed_at, [...janus.rooms]]).toEqual([expect.any(Date), []]);
});

test('of those who join at once, and of those who join later, one has the room made', async () => {
  const { janus, join } = house();
  await Promise.all([join(), join(), join()]);
  await join();
  expect(janus.asked).toEqual(['create 1']);
  expect(janus.rooms.get(call.callId)).toBe(4);
});

test('two replicas at once make one room, too', async () => {
  const { janus, join, make } = house();
  await Promise.all([join(), join(make())]);
  expect([...janus.rooms]).toEqual([[call.callId, 2]]);
});

test('a room that Janus lost, or that was swept while somebody joined it, is made again', async () => {
  const { janus, nodes, join } = house();
  await join();
  janus.rooms.clear();
  await join();
  janus.rooms.clear();
  nodes.lost(janus);
  await join();
  expect(janus.asked).toEqual(['create 1', 'create 1', 'create 1']);
});

test('a room that could not be made is tried again by the next who joins', async () => {
  const { janus, join } = house();
  const { create } = janus.handle;
  janus.handle.create = async () => Promise.reject(refusal(499));
  await expect(join()).rejects.toThrow('no');
  janus.handle.create = create;
  await join();
  expect(janus.rooms.get(call.callId)).toBe(1);
});

test('the end of a call that nobody joined asks nothing of anybody; that of another closes and destroys its room, once', async () => {
  const { janus, table, rooms, join } = house();
  const ending = new EndRooms(rooms, () => undefined);
  await join();
  table.statements = 0;
  ending.end(idOf(2));
  await ending.beforeApplicationShutdown();
  expect([table.statements, janus.asked]).toEqual([0, ['create 1']]);
  ending.end(call.callId);
  ending.end(call.callId);
  await ending.beforeApplicationShutdown();
  ending.end(call.callId);
  await ending.beforeApplicationShutdown();
  expect([table.statements, janus.asked]).toEqual([1, ['create 1', 'destroy 1']]);
});

test('a room that was made after its call had ended is discarded, in Janus too', async () => {
  const { janus, table, rooms, join, placed } = house();
  await join();
  const room = await placed();
  await rooms.close([call.callId]);
  janus.rooms.set(call.callId, 0);
  await rooms.discard(room);
  expect([janus.rooms.size, table.rows.get(call.callId)?.closed_at]).toEqual([0, expect.any(Date)]);
});

test('what PostgreSQL does not take is closed later; what Janus does not is swept', async () => {
  const { janus, table, rooms, join } = house();
  const told: unknown[] = [];
  const ending = new EndRooms(rooms, (error) => told.push(error));
  await join();
  table.away = true;
  ending.end(call.callId);
  await ending.beforeApplicationShutdown();
  table.away = false;
  janus.away = true;
  await ending.beforeApplicationShutdown();
  expect([told.length, table.rows.get(call.callId)?.closed_at, janus.rooms.size]).toEqual([2, expect.any(Date), 1]);
  janus.away = false;
  await rooms.sweep();
  expect(janus.rooms.size).toBe(0);
});

test('a room that was joined where its call is not carried goes from there, unless it was there before', async () => {
  const { janus, second, nodes, rooms, make } = house();
  const likely = await rooms.likely(call);
  await rooms.join(janus.handle, likely, who);
  janus.isDrained = true;
  const other = make();
  const placed = await other.place(call, await other.likely(call));
  await other.join(nodes.all[1]?.handle as VideoRoomHandle, placed, who);
  expect(await rooms.place(call, likely)).toEqual(placed);
  await rooms.giveBack(likely);
  expect([[...janus.rooms.keys()], [...second.rooms.keys()]]).toEqual([[], [call.callId]]);
  // Its call may have ended meanwhile.
  const late = { ...(await make().likely(call)), node: janus.name };
  await rooms.join(janus.handle, late, who);
  await rooms.close([call.callId]);
  await rooms.giveBack(late);
  expect([...janus.rooms.keys()]).toEqual([]);
  // Of two that were wrong at once one had it made.
  janus.rooms.set(call.callId, 1);
  await rooms.join(janus.handle, likely, who);
  await rooms.giveBack(likely);
  expect([...janus.rooms.keys()]).toEqual([call.callId]);
});

test('a room from which a call has moved is left to those who are in it still', async () => {
  const { janus, second, rooms, join, make } = house();
  await join();
  janus.isDrained = true;
  const other = make();
  await other.place(call, await other.likely(call));
  janus.isDrained = false;
  const likely = await rooms.likely(call);
  await rooms.join(janus.handle, likely, who);
  expect([likely.node, (await rooms.place(call, likely)).node]).toEqual([janus.name, second.name]);
  await rooms.giveBack(likely);
  expect(janus.rooms.has(call.callId)).toBe(true);
});

test('a room of which nothing is on record, since who had it made died, is swept by the keys that any replica can work out', async () => {
  const { janus, rooms, make } = house();
  await rooms.join(janus.handle, await rooms.likely(call), who);
  janus.rooms.set(call.callId, 0);
  const other = make();
  await other.sweep();
  await other.sweep();
  expect([...janus.rooms.keys()]).toEqual([]);
});

test('a room that an earlier release placed keeps the keys that it was given', async () => {
  const { table, rooms, make } = house();
  table.rows.set(call.callId, { call_id: call.callId, node: 'janus-1', generation: 1, secret: 's', pin: 'p', closed_at: null });
  expect(await rooms.place(call, await rooms.likely(call))).toMatchObject({ secret: 's', pin: 'p' });
  expect((await make().likely(call)).secret).toBe((await rooms.likely(call)).secret);
  expect((await rooms.likely({ callId: idOf(2) })).secret).not.toBe((await rooms.likely(call)).secret);
});

test('a room is swept when two looks in turn found it empty, and not one with people in it, or of somebody else', async () => {
  const { janus, rooms, join } = house();
  await join();
  janus.rooms.set('not ours', 0);
  for (let look = 0; look < 3; look += 1) await rooms.sweep();
  expect([...janus.rooms.keys()]).toEqual([call.callId, 'not ours']);
  janus.rooms.set(call.callId, 0);
  await rooms.sweep();
  janus.rooms.set(call.callId, 1);
  await rooms.sweep();
  janus.rooms.set(call.callId, 0);
  await rooms.sweep();
  expect([...janus.rooms.keys()]).toEqual([call.callId, 'not ours']);
  await rooms.sweep();
  expect([...janus.rooms.keys()]).toEqual(['not ours']);
  await join();
  expect(janus.rooms.get(call.callId)).toBe(1);
});
