/*
 * What is negotiated is what both sides said, but for two words: who begins DTLS, and at which bitrate a picture begins.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { begunBriskly, withoutPauses } from './camera-sizes.js';

const answer = (end: string) =>
  [
    'v=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=rtpmap:111 opus/48000/2',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'a=rtpmap:96 VP8/90000',
    '',
  ].join(end);

test.each(['\r\n', '\n'])('a picture begins at a bitrate of its own, and sound does not', (end) => {
  const lines = begunBriskly(answer(end)).split(end);
  expect(lines.filter((line) => !answer(end).split(end).includes(line))).toEqual(['a=fmtp:96 x-google-start-bitrate=1000']);
  expect(lines.indexOf('a=fmtp:96 x-google-start-bitrate=1000')).toBe(lines.indexOf('a=rtpmap:96 VP8/90000') + 1);
});

test('nothing else of a text is changed, whatever it is', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('a=rtpmap:96 VP8/90000', 'a=rtpmap:97 rtx/90000', 'a=simulcast:send h;~m;~l', 'a=setup:active'),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\r\n');
      expect(begunBriskly(text).replaceAll(/\r?\na=fmtp:\d+ x-google-start-bitrate=1000/g, '')).toBe(text);
      expect(withoutPauses(text).length).toBeLessThanOrEqual(text.length);
    }),
  );
});
