import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { packClient } from './packing/pack-client.mjs';

/* npm run pack:client -- [folder]    builds nothing: packs what `npm run build` has made, into this folder, dist/ unless told */
const folder = resolve(process.argv[2] ?? 'dist');
mkdirSync(folder, { recursive: true });
console.log(packClient(folder));
