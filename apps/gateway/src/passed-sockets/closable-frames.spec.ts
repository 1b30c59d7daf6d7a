/* A close frame is set between two frames, never into one; nothing comes after it, and none after another. */
import { expect, test } from 'vitest';
import { ClosableFrames } from './closable-frames.js';

const hello = Buffer.from([0x81, 0x05, ...Buffer.from('hello')]);
const restarting = Buffer.from([0x88, 0x06, 0x03, 0xf4, ...Buffer.from('stop')]);

async function passed(frames: ClosableFrames): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of frames) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

test('half way through a frame, the close waits for its end; what follows is left out', async () => {
  const frames = new ClosableFrames('client');
  frames.write(hello);
  frames.write(hello.subarray(0, 4));
  frames.closeWith(1012, 'stop');
  frames.closeWith(1000, 'again');
  frames.write(Buffer.concat([hello.subarray(4), hello]));
  frames.end(hello);
  expect(await passed(frames)).toEqual(Buffer.concat([hello, hello, restarting]));
});

test('between frames it goes out at once', async () => {
  const frames = new ClosableFrames('client');
  frames.write(hello);
  frames.closeWith(1012, 'stop');
  expect(await passed(frames)).toEqual(Buffer.concat([hello, restarting]));
});

test('after a close frame of the other side’s own there is no second one', async () => {
  const frames = new ClosableFrames('client');
  frames.write(restarting);
  frames.closeWith(1001, '');
  expect(await passed(frames)).toEqual(restarting);
});

test('to a service it is masked', async () => {
  const frames = new ClosableFrames('service');
  frames.closeWith(1001, 'away');
  const [first, second, ...more] = await passed(frames);
  expect([first, second]).toEqual([0x88, 0x86]);
  const [mask, masked] = [more.slice(0, 4), more.slice(4)];
  expect(Buffer.from(masked.map((byte, index) => byte ^ (mask[index % 4] ?? 0)))).toEqual(
    Buffer.from([0x03, 0xe9, ...Buffer.from('away')]),
  );
});
