/*
 * No JSON from outside reaches a schema before its structure is known to be small.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonFault, jsonLimits } from './json-bounds.js';

const faultOf = (text: string) => jsonFault(Buffer.from(text));
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('JSON is refused', () => {
  test.each([
    ['a level deeper than allowed', nested(jsonLimits.depth + 1), 'too_deep'],
    ['in objects, too', '{"a":'.repeat(3000), 'too_deep'],
    ['with more values than allowed', `[${'0,'.repeat(jsonLimits.nodes)}0]`, 'too_many_nodes'],
    ['with a key longer than allowed', `{"${'k'.repeat(jsonLimits.keyBytes + 1)}" : 1}`, 'key_too_long'],
  ])('%s', (_how, text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });
});

describe('JSON is let through', () => {
  test.each([
    ['as deep as allowed', nested(jsonLimits.depth)],
    ['with long texts', JSON.stringify({ sdp: 'v'.repeat(60_000) })],
    ['with brackets, quotes and commas in texts', JSON.stringify({ text: '[{",:\\"'.repeat(30_000) })],
    ['with siblings, however many levels they have together', `[${Array(500).fill(nested(5)).join(',')}]`],
    ['that is none, for the parser to refuse', '"\\'],
  ])('%s', (_how, text) => {
    expect(faultOf(text)).toBeUndefined();
  });
});

test('what is let through is as deep as it says, whatever it holds', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 60 }), (value) => {
      const fault = faultOf(JSON.stringify(value));
      if (fault === undefined) expect(depthOf(value)).toBeLessThanOrEqual(jsonLimits.depth);
      if (fault === 'too_deep') expect(depthOf(value)).toBeGreaterThan(jsonLimits.depth);
    }),
  );
});
