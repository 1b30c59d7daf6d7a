import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { isService, root } from './launcher/registry.mjs';

/*
 * npm run logs -- --trace 4bf92f3577b34da6a3ce929d0e0e4736   what the services wrote of one request and all that came of it
 * npm run logs -- --call <callId>                            … of a call          --app <appId>   … of an app
 * npm run logs -- --service calls                            … what one wrote, all its replicas
 * npm run logs -- --trace … --json                           lines as they were written
 * npm run logs -- --folder path                              of another folder with a log of each process
 *
 * In the order of time. Files are read side by side, line by line, however large they are. CENTER_INSTANCE names another
 * instance than the one npm start runs, such as `test`.
 */
const options = {
  trace: { type: 'string' },
  call: { type: 'string' },
  app: { type: 'string' },
  service: { type: 'string' },
  folder: { type: 'string' },
  json: { type: 'boolean', default: false },
};

/** A line that is longer is no line of a service. */
const longestLine = 1_000_000;
const levels = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

let wanted;
try {
  wanted = parseArgs({ options }).values;
} catch (error) {
  end(`${error.message}\nnpm run logs -- [--trace id] [--call id] [--app id] [--service name] [--json] [--folder path]`);
}
const folder = wanted.folder ?? join(root, '.run', process.env.CENTER_INSTANCE ?? 'dev', 'logs');
if (!existsSync(folder)) end(`There is no folder ${folder}: nothing has run yet.`);
// What problems and headers say of a trace may be all of a traceparent.
const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(wanted.trace ?? '')?.[1] ?? wanted.trace;

const files = readdirSync(folder).filter((file) => file.endsWith('.log') && isWanted(basename(file, '.log')));
const sources = files.map((file) => matching(join(folder, file), basename(file, '.log')));
let found = 0;
// Who reads no more, such as head, ends it.
process.stdout.on('error', () => process.exit());
for await (const line of inOrderOfTime(sources)) {
  found += 1;
  if (!process.stdout.write(`${wanted.json ? line.text : pretty(line)}\n`))
    await new Promise((resume) => process.stdout.once('drain', resume));
}
if (found === 0) end(`No line in ${folder} tells of that.`);

function end(message) {
  console.error(message);
  process.exit(1);
}

function isWanted(process) {
  const service = process.replace(/-\d+$/, '');
  return wanted.service ? wanted.service === service || wanted.service === process : wanted.folder !== undefined || isService(process);
}

/** The lines of one file that are asked for. What other programs wrote there is passed over. */
async function* matching(file, process) {
  const named = [traceId, wanted.call, wanted.app].filter((name) => name !== undefined);
  for await (const text of linesOf(file)) {
    if (!named.every((name) => text.includes(name))) continue;
    const told = parse(text);
    if (!told || !tells(told)) continue;
    yield { text, process, told };
  }
}

function tells({ traceId: own, traceIds = [], callId, appId }) {
  if (traceId && own !== traceId && !traceIds.includes(traceId)) return false;
  return (!wanted.call || callId === wanted.call) && (!wanted.app || appId === wanted.app);
}

function parse(text) {
  try {
    const told = JSON.parse(text);
    return typeof told?.time === 'number' ? told : undefined;
  } catch {
    return undefined;
  }
}

async function* linesOf(file) {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    if (rest.length > longestLine) rest = '';
    yield* lines;
  }
  if (rest) yield rest;
}

/** Of each source one line waits, and the earliest goes first. */
async function* inOrderOfTime(sources) {
  const waiting = new Map();
  const take = async (source) => {
    const { value, done } = await source.next();
    if (done) waiting.delete(source);
    else waiting.set(source, value);
  };
  await Promise.all(sources.map(take));
  while (waiting.size > 0) {
    let [first] = waiting;
    for (const entry of waiting) if (entry[1].told.time < first[1].told.time) first = entry;
    yield first[1];
    await take(first[0]);
  }
}

function pretty({ process, told }) {
  const { time, level, msg, name: _, pid: __, hostname: ___, traceId: trace, traceIds, callId, appId, err, ...more } = told;
  const about = Object.entries({ trace, traces: traceIds?.length, call: callId, app: appId, ...more })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
  const head = `${new Date(time).toISOString().slice(0, 23)} ${process.padEnd(15)} ${(levels[level] ?? level).padEnd(5)} ${msg ?? ''}`;
  const stack = err ? `\n    ${String(err.stack ?? err.message ?? JSON.stringify(err)).replaceAll('\n', '\n    ')}` : '';
  return `${head}  ${about.join(' ')}${stack}`;
}
