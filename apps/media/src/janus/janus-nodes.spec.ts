/*
 * Calls are placed on the node that carries least of those that are well; one that dies is left at once, one that is drained where there
 * is another; and where none is well it is waited for one, but not for ever.
 */
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { MediaSettings } from '../settings.js';
import { JanusNodes } from './janus-nodes.js';

const ending: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** As much of a Janus as a node is asked for: sessions, handles, and a list of rooms. */
class StandInJanus {
  people = 0;
  readonly #server: WebSocketServer;

  private constructor(port: number) {
    this.#server = new WebSocketServer({ port, host: '127.0.0.1', handleProtocols: () => 'janus-protocol' });
    this.#server.on('connection', (socket) =>
      socket.on('message', (text) => {
        const { transaction, janus, session_id, handle_id } = JSON.parse(String(text)) as Record<string, unknown>;
        const list = [{ room: 'a room', num_participants: this.people }];
        const plugindata = { plugin: 'janus.plugin.videoroom', data: { videoroom: 'success', list } };
        socket.send(
          JSON.stringify({
            janus: 'success',
            transaction,
            session_id,
            sender: handle_id,
            data: { id: 7 },
            ...(janus === 'message' && { plugindata }),
          }),
        );
      }),
    );
  }

  static async open(port = 0): Promise<StandInJanus> {
    const janus = new StandInJanus(port);
    ending.push(() => janus.die());
    await new Promise((resolve) => janus.#server.once('listening', resolve));
    return janus;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async die(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function nodesAt(ports: number[], more: Partial<MediaSettings> = {}) {
  const reported: unknown[] = [];
  const settings = {
    JANUS_URL: ports.map((port) => `ws://127.0.0.1:${port}`),
    MEDIA_NODE: ['one', 'two'],
    DRAINED_NODES: [] as string[],
    JANUS_TIMEOUT_MS: 2000,
    JANUS_API_SECRET: 's',
    JANUS_ADMIN_KEY: 'k',
    ...more,
  };
  const nodes = new JanusNodes(settings as MediaSettings, (error) => reported.push(error));
  ending.push(() => nodes.onApplicationShutdown());
  return { nodes, reported };
}

test('a call goes where least is carried, by the own count of each Janus and by what was placed since', async () => {
  const [one, two] = [await StandInJanus.open(), await StandInJanus.open()];
  one.people = 5;
  const { nodes } = nodesAt([one.port, two.port]);
  for (const node of nodes.all) {
    await node.connect();
    await node.count();
  }
  const chosen: string[] = [];
  for (let call = 0; call < 5; call += 1) {
    const node = await nodes.choose();
    node.placed();
    chosen.push(node.name);
  }
  expect(chosen).toEqual(['two', 'two', 'two', 'one', 'two']);
  for (const node of nodes.all) await node.count();
  expect(nodes.all.map(({ load }) => load)).toEqual([5, 0]);
});

test('one that dies is left at once and told of once, and is found again when it is back', async () => {
  const [one, two] = [await StandInJanus.open(), await StandInJanus.open()];
  const { port } = one;
  const { nodes, reported } = nodesAt([port, two.port]);
  const lost: string[] = [];
  nodes.onLost(({ name }) => lost.push(name));
  nodes.onApplicationBootstrap();
  await expect.poll(() => nodes.all.map(({ isWell }) => isWell)).toEqual([true, true]);
  await one.die();
  await expect.poll(() => lost).toEqual(['one']);
  expect([await nodes.mayStay('one'), (await nodes.choose()).name]).toEqual([false, 'two']);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(reported).toHaveLength(1);
  await StandInJanus.open(port);
  await expect.poll(() => nodes.mayStay('one')).toBe(true);
});

test('one that is drained gets a call only where there is no other', async () => {
  const [one, two] = [await StandInJanus.open(), await StandInJanus.open()];
  const { nodes } = nodesAt([one.port, two.port], { DRAINED_NODES: ['two'] });
  for (const node of nodes.all) await node.connect();
  one.people = 100;
  await nodes.all[0]?.count();
  expect([(await nodes.choose()).name, await nodes.mayStay('two')]).toEqual(['one', false]);
  await one.die();
  await expect.poll(async () => (await nodes.choose()).name).toBe('two');
});

test('where none is well it is waited for one, and whoever waits too long is told', async () => {
  const gone = await StandInJanus.open();
  const { port } = gone;
  await gone.die();
  const { nodes } = nodesAt([port]);
  const waiting = nodes.choose();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const back = await StandInJanus.open(port);
  expect((await waiting).name).toBe('one');
  await back.die();
  const { nodes: others } = nodesAt([port], { JANUS_TIMEOUT_MS: 300 });
  await expect(others.choose()).rejects.toMatchObject({ code: 'media_unavailable' });
});
