import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPlaylist } from '../domain/playlist.js';
import { type FromStudio, linesIn, type StudioOptions, type ToStudio } from './messages.js';
import { Studio } from './studio.js';

/*
 * A studio as a process of its own, behind calls: what is heavy of a broadcast takes nothing from the service that runs it. It is told what to do on its
 * standard input, and ends with that.
 */
const tell = (message: FromStudio) => void process.stdout.write(`${JSON.stringify(message)}\n`);
const end = (why: string) => {
  process.stderr.write(`${why}\n`);
  process.exit(1);
};

let studio: Promise<Studio> | undefined;

async function begin(options: StudioOptions): Promise<Studio> {
  const before = await readFile(join(options.folder, 'live.m3u8'), 'utf8').catch(() => '');
  const made = new Studio(options, readPlaylist(before), tell, (said) => end(`the encoder ended: ${said}`));
  await made.begin();
  return made;
}

async function hear(message: ToStudio): Promise<void> {
  if (message.type === 'begin') studio ??= begin(message.options);
  else (await studio)?.show(message.streams);
}

let held = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text: string) => {
  const { lines, rest } = linesIn(held + text);
  held = rest;
  for (const line of lines) hear(JSON.parse(line) as ToStudio).catch((error: unknown) => end(String(error)));
});
process.stdin.on('end', () => process.exit(0));
