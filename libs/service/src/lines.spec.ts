/*
 * Lines of an answer are read as they were written, however the network cuts them.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerInLines, linesOf } from './lines.js';

async function* cutAt(bytes: Uint8Array, cuts: readonly number[]) {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length];
  let from = 0;
  for (const end of ends) {
    yield bytes.subarray(from, end);
    from = end;
  }
}

const all = async (body: AsyncIterable<Uint8Array>) => {
  const lines: string[] = [];
  for await (const line of linesOf(body)) lines.push(line);
  return lines;
};

test('wherever they are cut, lines come whole and in order', async () => {
  const line = fc.string({ unit: 'binary' }).map((text) => JSON.stringify({ text }));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((one) => `${one}\n`).join(''));
      expect(await all(cutAt(bytes, cuts))).toEqual(lines);
    }),
  );
});

test('a line that is broken off is left out', async () => {
  expect(await all(cutAt(new TextEncoder().encode('{"a":1}\n{"b":'), []))).toEqual(['{"a":1}']);
});

test('a line without an end is not gathered for ever', async () => {
  const endless = async function* () {
    for (;;) yield new TextEncoder().encode('a'.repeat(100_000));
  };
  await expect(all(endless())).rejects.toThrow('too long');
});

test('each line is on its way before the work ends', async () => {
  let finish = () => {};
  const rest = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const server = createServer((_request, raw) => {
    void answerInLines({ hijack: () => undefined, raw }, async (tell) => {
      tell({ first: true });
      await rest;
      tell({ last: true });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { body } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const lines = linesOf(body as unknown as AsyncIterable<Uint8Array>);
  expect((await lines.next()).value).toBe('{"first":true}');
  finish();
  expect([(await lines.next()).value, (await lines.next()).done]).toEqual(['{"last":true}', true]);
  server.close();
});

test('an urgent line goes at once, with what waited; others go together when the turn is over', async () => {
  const written: string[] = [];
  const raw = {
    writeHead: () => undefined,
    write: (text: string) => written.push(text),
    end: (text: string) => written.push(`end ${text}`),
  };
  await answerInLines({ hijack: () => undefined, raw: raw as unknown as ServerResponse }, async (tell) => {
    tell({ number: 1 });
    tell({ number: 2 }, true);
    expect(written).toEqual(['{"number":1}\n{"number":2}\n']);
    tell({ number: 3 });
    tell({ number: 4 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toHaveLength(2);
  });
  expect(written.slice(1)).toEqual(['{"number":3}\n{"number":4}\n', 'end ']);
});
