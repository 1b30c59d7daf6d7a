import { connect, createServer } from 'node:net';

/*
 * The line between a far host and the servers: carries TCP connections from ports of its own to theirs. Frozen, it stands
 * for a host that is cut off: nothing is answered, and no connection is seen to end. Killed, it stands for one that is back:
 * what was under way in it is lost.
 *
 * Arguments: from:to, both ports of this machine.
 */
for (const pair of process.argv.slice(2)) {
  const [from, to] = pair.split(':').map(Number);
  createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: to });
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far])
      socket
        .setNoDelay(true)
        .on('error', () => undefined)
        .on('close', end);
    near.pipe(far);
    far.pipe(near);
  }).listen(from, '127.0.0.1');
}
