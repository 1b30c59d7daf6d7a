/* A value of elsewhere is never older than promised, and who asks often does not wait for it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeptFresh } from './kept-fresh.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A source whose readings end when the test says so. */
function source() {
  const readings: PromiseWithResolvers<string>[] = [];
  const read = () => {
    const reading = Promise.withResolvers<string>();
    readings.push(reading);
    return reading.promise;
  };
  return { readings, kept: new KeptFresh(read, { goodForMs: 1000, renewAfterMs: 500 }) };
}

describe('KeptFresh', () => {
  it('reads once for all who ask while it is young', async () => {
    const { readings, kept } = source();
    const asked = [kept.get(), kept.get()];
    readings[0]?.resolve('one');
    expect(await Promise.all(asked)).toEqual(['one', 'one']);
    vi.advanceTimersByTime(499);
    expect(await kept.get()).toBe('one');
    expect(readings).toHaveLength(1);
  });

  it('is read anew beside who asks, one reading at a time, and tells the new value once it is there', async () => {
    const { readings, kept } = source();
    const first = kept.get();
    readings[0]?.resolve('one');
    await first;
    vi.advanceTimersByTime(600);
    expect(await kept.get()).toBe('one');
    expect(await kept.get()).toBe('one');
    expect(readings).toHaveLength(2);
    readings[1]?.resolve('two');
    await turn();
    expect(await kept.get()).toBe('two');
    // It is as old as its reading.
    vi.advanceTimersByTime(450);
    expect(await kept.get()).toBe('two');
    expect(readings).toHaveLength(2);
  });

  it('never tells what is older than promised, also where reading anew takes too long', async () => {
    const { readings, kept } = source();
    const first = kept.get();
    readings[0]?.resolve('one');
    await first;
    vi.advanceTimersByTime(900);
    await kept.get();
    vi.advanceTimersByTime(100);
    const third = kept.get();
    readings[2]?.resolve('three');
    expect(await third).toBe('three');
    readings[1]?.resolve('two');
    await turn();
    expect(await kept.get()).toBe('three');
  });

  it('tells who waits why it could not be read, and is read again by the next', async () => {
    const { readings, kept } = source();
    const first = kept.get();
    readings[0]?.reject(new Error('away'));
    await expect(first).rejects.toThrow('away');
    const second = kept.get();
    readings[1]?.resolve('one');
    expect(await second).toBe('one');
    vi.advanceTimersByTime(700);
    expect(await kept.get()).toBe('one');
    readings[2]?.reject(new Error('away'));
    await turn();
    expect(await kept.get()).toBe('one');
    vi.advanceTimersByTime(300);
    const last = kept.get();
    readings[3]?.reject(new Error('still away'));
    readings[4]?.reject(new Error('still away'));
    await expect(last).rejects.toThrow('still away');
  });
});
