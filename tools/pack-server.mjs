import { resolve } from 'node:path';
import { pack } from './launcher/pack.mjs';

/*
 * npm run pack:server -- [folder]    packs what `npm run build` has made, into the folder, dist/ unless told, and prints the path
 */
console.log(pack('server', resolve(process.argv[2] ?? 'dist')));
