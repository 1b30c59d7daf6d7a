import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Smaller ones fit into one packet as they are. */
const smallestBytes = 1000;

/** Writes each file of the build compressed beside itself: the door sends what the browser takes, and compresses nothing. */
function compressed(): Plugin {
  let folder = '';
  return {
    name: 'compressed',
    apply: 'build',
    configResolved: ({ root, build: { outDir } }) => {
      folder = join(root, outDir);
    },
    closeBundle: () => {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
        const content = readFileSync(path);
        if (content.length < smallestBytes) continue;
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  // Without captions, encryption and other languages, of which a broadcast has none: two thirds of it. Its types are those of the whole.
  resolve: { alias: [{ find: /^hls\.js$/, replacement: 'hls.js/light' }] },
  // The console, and the page that broadcasts are watched on, which needs nothing of it.
  build: { chunkSizeWarningLimit: 600, rolldownOptions: { input: { index: 'index.html', watch: 'watch.html' } } },
});
