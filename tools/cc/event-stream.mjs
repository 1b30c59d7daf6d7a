/**
 * Follows a Center's stream of events for as long as it is let: after a break it goes on where it was, after a pause that grows and
 * has chance in it. It runs on plain Node.
 */

/** A stream that is silent for longer than this is broken: its heartbeats come each 15 s. In milliseconds. */
const silenceMs = 45_000;
const [shortestPauseMs, longestPauseMs] = [500, 30_000];
/** Statuses by which another try fares no better. */
const final = new Set([400, 401, 403, 404, 409]);

/** The Center refused, and will go on refusing. */
export class Refused extends Error {}

/**
 * @param {{ url: string, key: string, from?: string, types?: string[], signal: AbortSignal, say: (line: string) => void }} options
 * @param from `end`, `start`, a moment, or a cursor.
 * @param {(event: { id: string, cursor: string, type: string, timestamp: string, data: object }) => Promise<void>} onEvent is waited for before the next one.
 * @throws Refused.
 */
export async function followEvents({ url, key, from = 'end', types = [], signal, say }, onEvent) {
  const place = { cursor: from.includes(':') ? undefined : from, since: from.includes(':') ? from : undefined };
  for (let failures = 0; !signal.aborted; ) {
    try {
      await followOnce({ url, key, types, signal, place }, onEvent, () => (failures = 0));
      if (!signal.aborted) say('the stream ended: following on');
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused) throw error;
      say(`the stream broke off (${error.cause?.code ?? error.message}): following on`);
    }
    const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** failures) * (0.5 + Math.random() / 2);
    failures = Math.min(failures + 1, 10);
    await pause(pauseMs, signal);
  }
}

/**
 * Has the app's events kept from now on, presence where `types` name it, whether or not it has an endpoint: by a consumer that nobody reads.
 * @throws Refused, where it cannot be had.
 */
export async function keepEvents({ url, key, name, types }) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const asked = new URL(`/v1/events/consumers/${name}`, url);
  const body = JSON.stringify({ eventTypes: types });
  const response = await fetch(asked, { method: 'PUT', headers, body, signal: AbortSignal.timeout(10_000) }).catch((error) => {
    throw new Refused(`the Center does not answer at ${url}: ${error.cause?.code ?? error.message}`);
  });
  if (response.ok) return response.body?.cancel();
  throw new Refused(`the Center answered ${response.status}: ${(await response.json().catch(() => ({}))).detail ?? ''}`);
}

async function followOnce({ url, key, types, signal, place }, onEvent, onGood) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(new Error('silent')), silenceMs);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error('silent')), silenceMs);
  };
  try {
    const response = await ask({ url, key, types, place, signal: AbortSignal.any([signal, silence.signal]) });
    onGood();
    let rest = '';
    const text = new TextDecoder();
    for await (const chunk of response.body) {
      alive();
      const blocks = (rest + text.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const { id, event, data } = fieldsOf(block);
        if (event === 'problem') throw problemOf(JSON.parse(data), place);
        if (data) {
          // However long the receiver takes, it is not the stream that is silent.
          clearTimeout(timer);
          await onEvent(JSON.parse(data));
          alive();
        }
        if (id) Object.assign(place, { cursor: id, since: undefined });
        if (signal.aborted) return;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

async function ask({ url, key, types, place, signal }) {
  const asked = new URL('/v1/events/stream', url);
  for (const type of types) asked.searchParams.append('eventType', type);
  if (place.since) asked.searchParams.set('since', place.since);
  else asked.searchParams.set('after', place.cursor);
  const response = await fetch(asked, { headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' }, signal });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 410) throw problemOf(problem, place);
  const detail = `the Center answered ${response.status}: ${problem.detail ?? ''}`;
  throw final.has(response.status) ? new Refused(detail) : new Error(detail);
}

/** What is kept no more is passed over, and said to be. */
function problemOf(problem, place) {
  if (problem.code !== 'position_expired') return new Error(problem.detail);
  Object.assign(place, { cursor: problem.oldest, since: undefined });
  return new Error(`${problem.skipped} events are kept no more, and are passed over`);
}

/** @returns the fields of one server-sent event (HTML, 9.2.6), of which none here has more than one line. */
function fieldsOf(block) {
  return Object.fromEntries(
    block.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      return name ? [[name, value]] : [];
    }),
  );
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
