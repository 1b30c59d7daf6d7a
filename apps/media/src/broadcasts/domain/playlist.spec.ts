/* Whatever encoders come and go, what viewers are told grows at its end, by numbers without a gap, and says each break once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  emptyPlaylist,
  leadingTo,
  type Playlist,
  readPlaylist,
  readSegments,
  toldSegments,
  withSegment,
  writePlaylist,
} from './playlist.js';

const segment = fc.record({
  name: fc.stringMatching(/^\d{1,3}-\d{1,3}-\d{7}\.ts$/),
  seconds: fc.integer({ min: 1, max: 3_000_000 }).map((micros) => micros / 1_000_000),
  at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  isAfterBreak: fc.boolean(),
});
const told = (segments: Parameters<typeof withSegment>[1][]) => segments.reduce<Playlist>(withSegment, emptyPlaylist);

test('what is written is read as it was, so that another process goes on where one ended', () => {
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 30 }), (segments) => {
      const playlist = told(segments);
      expect(readPlaylist(writePlaylist(playlist, 1))).toEqual(playlist);
    }),
  );
});

test('a segment keeps its number, and a break is counted once, for as long as anybody may remember it', () => {
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 40 }), (segments) => {
      let playlist = emptyPlaylist;
      for (const [index, one] of segments.entries()) {
        playlist = withSegment(playlist, one);
        expect(playlist.segments.length).toBeLessThanOrEqual(toldSegments);
        expect(playlist.sequence + playlist.segments.length).toBe(index + 1);
        const breaks = playlist.breaks + playlist.segments.filter(({ isAfterBreak }) => isAfterBreak).length;
        expect(breaks).toBe(segments.slice(0, index + 1).filter(({ isAfterBreak }) => isAfterBreak).length);
      }
    }),
  );
});

test('what is no playlist is an empty one, whatever it is', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('#EXTINF:1.0,', '#EXTINF:x', 'a.ts', '#EXT-X-PROGRAM-DATE-TIME:no', '#EXT-X-MEDIA-SEQUENCE:7'),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { segments } = readPlaylist(lines.join('\n'));
      for (const { at, seconds } of segments) expect(Number.isFinite(at) && Number.isFinite(seconds)).toBe(true);
    }),
  );
  expect(readPlaylist('')).toEqual(emptyPlaylist);
});

test('what an encoder wrote is read with the number of its first segment', () => {
  const text =
    '#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:41\n#EXTINF:1.000000,\r\n1-0-0000041.ts\n#EXTINF:0.95,\n1-0-0000042.ts\n';
  expect(readSegments(text)).toEqual({
    sequence: 41,
    segments: [
      { name: '1-0-0000041.ts', seconds: 1 },
      { name: '1-0-0000042.ts', seconds: 0.95 },
    ],
  });
});

test('a player is led to a playlist by its size and rate', () => {
  const text = leadingTo('live.m3u8?viewer=x', { width: 1280, height: 720, bitsPerSecond: 2_500_000 });
  expect(text).toContain('BANDWIDTH=2500000,RESOLUTION=1280x720,CODECS="avc1.42c01f,mp4a.40.2"\nlive.m3u8?viewer=x\n');
});
