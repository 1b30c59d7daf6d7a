import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/*
 * npm run bench:transfer    what a file of 1 GB that passes the gateway's proxy makes of its memory, there and back: the proxy alone, in a
 *                           process of its own, by how young objects are collected
 */
const bytes = 1_073_741_824;
const piece = Buffer.alloc(65_536, 1);
const ways = [
  { name: 'as node has it (16 MB)', flags: [] },
  { name: 'each 8 MB', flags: ['--max-semi-space-size=8'] },
  { name: 'each 1 MB', flags: ['--max-semi-space-size=1'] },
  { name: 'each 8 MB, and each 8 MB that pass (as shipped)', flags: ['--max-semi-space-size=8', '--expose-gc'] },
];

/** @returns a body of a gigabyte, made as it is read. */
function gigabyte() {
  let left = bytes;
  return new Readable({
    read() {
      left -= piece.length;
      this.push(piece);
      if (left <= 0) this.push(null);
    },
  });
}

async function countBytes(stream) {
  let count = 0;
  for await (const part of stream) count += part.length;
  return count;
}

const service = createServer(async (asked, answer) => {
  if (asked.method === 'GET') return gigabyte().pipe(answer.writeHead(200, { 'content-length': bytes }));
  return answer.end(String(await countBytes(asked)));
}).listen(0, '127.0.0.1');
await once(service, 'listening');

/** @returns how long it took, in seconds. @throws Error when not all of it arrived. */
async function transfer(url, method) {
  const began = performance.now();
  const asked = request(url, { method, headers: method === 'PUT' ? { 'content-length': bytes } : {} });
  if (method === 'PUT') gigabyte().pipe(asked);
  else asked.end();
  const [answer] = await once(asked, 'response');
  const arrived = method === 'GET' ? await countBytes(answer) : Number(await new Response(Readable.toWeb(answer)).text());
  if (arrived !== bytes) throw new Error(`${arrived} bytes of ${bytes} arrived`);
  return (performance.now() - began) / 1000;
}

const residentMegabytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

for (const { name, flags } of ways) {
  const proxy = fork(fileURLToPath(new URL('transfer/proxy.mjs', import.meta.url)), [`http://127.0.0.1:${service.address().port}`], {
    execArgv: [...flags, '--heap-growing-percent=100'],
  });
  const [{ url }] = await once(proxy, 'message');
  const before = residentMegabytes(proxy.pid);
  let most = before;
  const watching = setInterval(() => {
    most = Math.max(most, residentMegabytes(proxy.pid));
  }, 20);
  const [there, back] = [await transfer(url, 'PUT'), await transfer(url, 'GET')];
  clearInterval(watching);
  proxy.kill();
  const megabytes = [before, most, most - before].map((one) => one.toFixed(0));
  console.log(
    `  ${name}: ${megabytes[0]} MB before, ${megabytes[1]} at most, grown by ${megabytes[2]}; there ${there.toFixed(1)} s, back ${back.toFixed(1)} s`,
  );
}
service.close();
