import type { Duplex } from 'node:stream';

/** Several times what a sign-in takes, with all its pieces; a frame may be larger only of who has signed in. */
const mostBytes = 65_536;

/**
 * Cuts a connection off that sends more than a sign-in before it has signed in: nothing more of it is gathered, whatever length its
 * frame says it has. Lets go of the connection with the first bytes after the sign-in.
 */
export function limitBeforeSignIn(connection: Duplex, hasSignedIn: () => boolean): void {
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (hasSignedIn()) connection.off('data', count);
    else if (bytes > mostBytes) connection.destroy();
  };
  connection.on('data', count);
}
