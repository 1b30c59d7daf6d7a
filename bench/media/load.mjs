import { processorTimeOf } from '../price/counters.mjs';
import { MediaDoor } from './media-door.mjs';

/** What a Janus holds: no more than so many of a hundred packets are lost, and all but one in a hundred come within so many milliseconds. */
export const holds = { lossPercent: 1, delayMs: 100 };

/** Calls begin so many at a time. */
const atOnce = 4;

/**
 * Puts more and more calls on one Janus, through the media door, until it does not hold them.
 * @param {{people: object, peers: object, janusPid: number, size: number, steps: number[], seconds: number}} options
 * @returns {Promise<object[]>} what was measured with so many calls.
 */
export async function moreAndMore({ people, peers, janusPid, size, steps, seconds }) {
  const calls = [];
  const rows = [];
  await people.make(steps.at(-1), size);
  try {
    for (const wanted of steps) {
      while (calls.length < wanted) {
        const numbers = Array.from({ length: Math.min(atOnce, wanted - calls.length) }, (_, index) => calls.length + index);
        calls.push(...(await Promise.all(numbers.map((number) => begin({ people, peers, size, number })))));
      }
      // Connections come up, and each has its first packets.
      await pause(4000);
      const row = await measure({ peers, janusPid, size, calls: wanted, seconds });
      rows.push(row);
      console.log(
        `  ${wanted} calls of ${size}: Janus ${(row.janus * 100).toFixed(0)} % of a core, peers ${(row.peers * 100).toFixed(0)} %, ` +
          `${row.lossPercent.toFixed(2)} % lost, ${row.delayP50.toFixed(1)} / ${row.delayP99.toFixed(1)} ms`,
      );
      if (!row.holds) break;
    }
    return rows;
  } finally {
    await Promise.all(calls.map(({ end }) => end()));
  }
}

async function measure({ peers, janusPid, size, calls, seconds }) {
  await peers.ask('figures');
  const used = () => [processorTimeOf(janusPid), processorTimeOf(peers.pid), performance.now() / 1000];
  const before = used();
  await pause(seconds * 1000);
  const after = used();
  const { figures } = await peers.ask('figures');
  const [janus, ofPeers, took] = after.map((value, index) => value - before[index]);
  const lossPercent = (100 * figures.lost) / Math.max(1, figures.received + figures.lost);
  // Sound and picture of each device: once in, and once out to each of the others.
  const streams = calls * size * 2 * size;
  const isWhole = figures.tracks === calls * size * (size - 1) * 2;
  return {
    ...{ calls, size, streams, lossPercent, janus: janus / took, peers: ofPeers / took },
    ...{ delayP50: figures.delayP50, delayP99: figures.delayP99, packetsPerSecond: (figures.sent + figures.received) / took },
    tracks: figures.tracks,
    holds: isWhole && lossPercent <= holds.lossPercent && figures.delayP99 <= holds.delayMs,
  };
}

async function begin({ people, peers, size, number }) {
  const { callId, credentials } = await people.call(number, size);
  const devices = await Promise.all(credentials.map((one, index) => joinCall({ peers, credentials: one, id: `${callId}-${index}` })));
  const end = async () => {
    await Promise.all(devices.map((device) => device.end()));
    await people.hangUp(callId, number, size);
  };
  return { end };
}

/** A device that sends sound and picture, and receives what the others send. */
async function joinCall({ peers, credentials, id }) {
  const door = await MediaDoor.open(credentials.url);
  const { sdp } = await peers.ask('offer', { id });
  door.send({ type: 'join', token: credentials.token });
  await door.next('joined');
  // One offer after the other: the door waits for each answer.
  door.listen((frame) => {
    if (frame.type !== 'offer') return;
    peers.ask('take', { id, sdp: frame.sdp }).then(
      (answer) => door.send({ type: 'answer', sdp: answer.sdp }),
      (error) => console.log(`  ${error.message}`),
    );
  });
  const answered = door.next('published');
  door.send({ type: 'sending', audio: 'on', video: 'on' });
  door.send({ type: 'publish', kind: 'camera', sdp });
  door.send({ type: 'candidate', peer: 'publisher', candidate: null });
  await peers.ask('agreed', { id, sdp: (await answered).sdp });
  const end = async () => {
    door.close();
    await peers.ask('close', { id });
  };
  return { end };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
