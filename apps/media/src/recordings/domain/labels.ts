/* Whose a tile is, as it is written into it: from a file, so that no name is in anybody's arguments, and nothing in it is read as more than text. */
import type { Box } from './layout.js';

const [smallest, largest] = [12, 32];
/** How wide a letter is on average, of its height. */
const letterWidth = 0.6;
const margin = 12;
const asPeopleSeeThem = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

const heightIn = ({ height }: Pick<Box, 'height'>) => Math.min(largest, Math.max(smallest, Math.round(height / 15)));

/**
 * @param name as its user, or an app, gave it: anything may be in it.
 * @returns it in one line, without what is not seen or turns the direction of text, as far as there is room for it in a tile.
 */
export function labelOf(name: string, box: Pick<Box, 'width' | 'height'>): string {
  const shown = name
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .normalize('NFC');
  const room = Math.max(2, Math.floor((box.width - 4 * margin) / (heightIn(box) * letterWidth)));
  const letters = Array.from(asPeopleSeeThem.segment(shown), ({ segment }) => segment);
  return letters.length <= room ? letters.join('') : `${letters.slice(0, room - 1).join('')}…`;
}

/** @param file where the label lies, by a name without anything that a filter reads. @returns the filter of ffmpeg that writes it into the tile, at its lower left. */
export function drawnLabel(file: string, box: Box): string {
  if (!/^[\w.-]+$/.test(file)) throw new Error('A file of a label has a plain name');
  const size = heightIn(box);
  const text = `textfile=${file}:expansion=none:fontsize=${size}:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw=${Math.round(size / 4)}`;
  return `drawtext=${text}:x=${box.x + margin}:y=${box.y + box.height - margin}-th`;
}
