import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataFolders, openInstance } from '../tools/launcher/instance.mjs';
import { moreAndMore } from './media/load.mjs';
import { firstPictures } from './media/pages.mjs';
import { Peers } from './media/peers.mjs';
import { People } from './media/people.mjs';
import { tell, write } from './media/report.mjs';
import { roomTimes } from './media/rooms.mjs';
import { makeApp, onAFleet } from './on-a-fleet.mjs';

/*
 * npm run bench:media               how soon two see each other, how soon a call has a room, and how many calls one Janus holds
 *
 *   --parts pages,rooms,load        what is measured
 *   --rounds 40                     how many calls two pages make
 *   --rooms 200                     how many rooms are made, at the door and at a bare Janus in turn
 *   --twos 10,20,30,40,60,80,120    with how many calls of two a Janus is measured, until it does not hold them
 *   --sixes 1,2,4,6,8,12,16         the same with calls of six
 *   --kbps 500                      of each picture
 *   --seconds 8                     how long each load is measured
 *   --quick                         10 calls of pages, 30 rooms, 10 calls of two, 2 of six, 5 seconds each
 *   --marks                         prints of what the way from an answer to a picture is made, step by step; marks make it longer
 *   --write                         replaces the table of docs/performance.md
 *   --out FILE                      where the figures go as JSON besides .run/bench
 *
 * Needs a Chromium, and Go for the peers that put a load on Janus. docs/performance.md, "Media", says what the figures mean.
 */
const { values: given } = parseArgs({
  options: {
    parts: { type: 'string', default: 'pages,rooms,load' },
    rounds: { type: 'string' },
    rooms: { type: 'string' },
    twos: { type: 'string' },
    sixes: { type: 'string' },
    kbps: { type: 'string', default: '500' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    marks: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const parts = new Set(given.parts.split(','));
const count = (text, usual, quick) => Number(text ?? (given.quick ? quick : usual));
const steps = (text, usual, quick) => (text ?? (given.quick ? quick : usual)).split(',').map(Number);
const rounds = count(given.rounds, 40, 10);
const rooms = count(given.rooms, 200, 30);
const seconds = count(given.seconds, 8, 5);
const twos = steps(given.twos, '10,20,30,40,60,80,120', '10');
const sixes = steps(given.sixes, '1,2,4,6,8,12,16', '2');

// Two ports for each device, and Janus' own range of some 200 is for a machine that does other things as well.
process.env.MEDIA_PORTS ??= '20000-23999';
const instance = openInstance('bench');
for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });

// All is carried by the first node: what is measured is one Janus.
const overrides = () => ({ media: { DRAINED_NODES: 'janus-2' } });
await onAFleet({ replicas: 1, overrides }, async (fleet, ask) => {
  const { appId, key } = await makeApp(fleet, ask, { users: ['alice', 'bob'] });
  const people = new People(ask, key);
  const result = { at: new Date().toISOString(), machine: `${cpus().length} cores (${cpus()[0].model.trim()})`, kbps: Number(given.kbps) };
  if (parts.has('rooms')) {
    await people.make(rooms + 10, 2);
    const janus = { url: fleet.servers.janus.split(',')[0], secret: fleet.secrets.janusSecret };
    result.rooms = await roomTimes({ people, janus, count: rooms });
  }
  if (parts.has('pages')) {
    const tokens = {};
    for (const userAlias of ['alice', 'bob']) tokens[userAlias] = (await ask('POST', '/v1/user-tokens', key, { userAlias })).body.token;
    result.pages = await firstPictures({ fleet, app: { appId }, tokens, rounds, marked: given.marks });
  }
  if (parts.has('load')) {
    const peers = await Peers.start({ into: join(instance.folder, 'peers'), kbps: given.kbps });
    try {
      const janusPid = fleet.processes.status().find(({ name }) => name === 'janus').pid;
      const load = (size, wanted) => moreAndMore({ people, peers, janusPid, size, steps: wanted, seconds });
      result.load = { twos: await load(2, twos), sixes: await load(6, sixes) };
    } finally {
      peers.stop();
    }
  }
  mkdirSync(instance.folder, { recursive: true });
  for (const path of [join(instance.folder, 'media.json'), ...(given.out ? [given.out] : [])])
    writeFileSync(path, JSON.stringify(result, null, 1));
  tell(result);
  if (given.write) write(result);
});
