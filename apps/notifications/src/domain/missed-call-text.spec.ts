import { expect, test } from 'vitest';
import { missedCallText } from './missed-call-text.js';

const missedAt = new Date('2026-03-01T14:30:00Z');

test('says who called whom and when', () => {
  const { subject, text } = missedCallText({ calleeName: 'Bob', callerName: 'Alice', missedAt, locale: 'de-AT' });
  expect(subject).toBe('Missed call from Alice');
  expect(text).toContain('Hello Bob,');
  expect(text).toContain('01.03.2026');
});

test('a name with a line break makes no header and no line of its own', () => {
  const { subject, text } = missedCallText({ calleeName: 'Bob', callerName: 'Eve\r\nBcc: all@example.com', missedAt, locale: null });
  expect(subject).toBe('Missed call from Eve Bcc: all@example.com');
  expect(text.split('\n').some((line) => line.startsWith('Bcc:'))).toBe(false);
});
