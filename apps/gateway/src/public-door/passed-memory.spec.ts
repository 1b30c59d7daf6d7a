import { expect, test, vi } from 'vitest';
import { PassedMemory } from './passed-memory.js';

const megabyte = Buffer.alloc(1_048_576);

async function* bodyOf(megabytes: number) {
  for (let sent = 0; sent < megabytes; sent++) yield megabyte;
}

async function readAll(body: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const piece of body) bytes += piece.length;
  return bytes;
}

test('young objects are collected each eight megabytes that pass, and nothing of the body is lost', async () => {
  const collect = vi.fn();
  const memory = new PassedMemory(collect);
  expect(await readAll(memory.counted(bodyOf(7)))).toBe(7 * megabyte.length);
  expect(collect).not.toHaveBeenCalled();
  expect(await readAll(memory.counted(bodyOf(18)))).toBe(18 * megabyte.length);
  expect(collect).toHaveBeenCalledTimes(3);
});

test('what several bodies leave behind is counted together', async () => {
  const collect = vi.fn();
  const memory = new PassedMemory(collect);
  await Promise.all(Array.from({ length: 8 }, () => readAll(memory.counted(bodyOf(1)))));
  expect(collect).toHaveBeenCalledTimes(1);
});

test('without a collector that can be asked nothing is collected and all passes', async () => {
  expect(await readAll(new PassedMemory().counted(bodyOf(9)))).toBe(9 * megabyte.length);
});
