import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { say } from '../output.mjs';
import { waitFor } from '../processes.mjs';
import { portsOfAnInstance } from '../registry.mjs';
import { startInCompose } from './compose.mjs';
import { findProgram, provide } from './packages.mjs';

const variable = 'JANUS_URL';
const usedPlugin = 'libjanus_videoroom.so';
/** Sends back what comes, for tests before calls. */
const echoPlugin = 'libjanus_echotest.so';
const usedTransport = 'libjanus_websockets.so';

function moduleFolder() {
  return [
    '/usr/lib/x86_64-linux-gnu/janus',
    '/usr/lib/aarch64-linux-gnu/janus',
    '/usr/lib/janus',
    '/usr/local/lib/janus',
    '/opt/janus/lib/janus',
  ].find((folder) => existsSync(join(folder, 'plugins', usedPlugin)));
}

/** The first address of this machine that is not loopback: Janus gathers no candidates on loopback. */
function mediaAddress() {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.find((address) => address && !address.internal && address.family === 'IPv4')?.address;
}

/** The media nodes of an instance: a second one takes over what the first carries, should that die. */
export const janusNames = ['janus', 'janus-2'];

/** Starts private Januses, or takes the configured ones. @returns their WebSocket URLs, separated by commas. */
export async function startJanus(instance, processes, { ports, secrets }) {
  if (process.env[variable]) return process.env[variable];
  const urlOf = (name) => `ws://127.0.0.1:${ports[name]}`;
  const find = () => {
    const server = findProgram('janus');
    const modules = moduleFolder();
    // What Janus recorded is made into files by these.
    const tools = ['janus-pp-rec', 'ffmpeg', 'setpriv', 'ionice'].every((program) => findProgram(program));
    return server && modules && tools ? { server, modules } : undefined;
  };
  const programs = provide({ what: 'Janus, with janus-pp-rec and ffmpeg,', find, packages: ['janus', 'janus-tools', 'ffmpeg'], variable });
  if (programs === 'compose') {
    startInCompose(instance, 'janus', { JANUS_PORT: String(ports.janus), JANUS_API_SECRET: secrets.janusSecret });
    return urlOf('janus');
  }
  await Promise.all(
    janusNames.map(async (name) => {
      const folder = writeConfig(instance, name, programs.modules, ports, secrets);
      processes.start({ name, command: programs.server, args: ['-F', folder, '-C', join(folder, 'janus.jcfg')], cwd: folder });
      // A TCP connect would also find a foreign Janus, so its name is asked for.
      await waitFor('Janus', () => hasName(urlOf(name), serverName(instance, name)), { dead: () => processes.deathOf(name) });
    }),
  );
  return janusNames.map(urlOf).join(',');
}

const serverName = (instance, name) => `communication-center-${instance.name}-${name}`;

/** Ports for media of one node, unless MEDIA_PORTS says which all of them share; each connection of a device has one, and there are two of those in a call. */
const portsOfANode = 200;

/**
 * @returns which ports a node may use: of those that are set, its share; else some that follow the instance's own, so that two instances never meet.
 */
function mediaPorts(name, ports) {
  const index = janusNames.indexOf(name);
  const set = /^(\d+)-(\d+)$/.exec(process.env.MEDIA_PORTS ?? '');
  const all = portsOfANode * janusNames.length;
  const first = set ? Number(set[1]) : 40_000 + (Math.floor(ports.janus / portsOfAnInstance) % 50) * all;
  const share = set ? Math.floor((Number(set[2]) - first + 1) / janusNames.length) : portsOfANode;
  if (share < 2) throw new Error('MEDIA_PORTS: name a range of ports such as 40000-40399');
  return `${first + index * share}-${first + (index + 1) * share - 1}`;
}

const others = (folder, ...kept) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.so') && !kept.includes(file))
        .join(',')
    : '';

function writeConfig(instance, name, modules, ports, secrets) {
  const folder = join(instance.folder, name);
  mkdirSync(folder, { recursive: true });
  const address = process.env.MEDIA_ADDRESS || mediaAddress();
  if (!address && name === janusNames[0])
    say('this machine has no network address besides loopback: calls will connect, but carry no sound or picture');
  writeFileSync(
    join(folder, 'janus.jcfg'),
    `general: {
  configs_folder = "${folder}"
  plugins_folder = "${modules}/plugins"
  transports_folder = "${modules}/transports"
  events_folder = "${modules}/events"
  loggers_folder = "${modules}/loggers"
  debug_level = 3
  debug_timestamps = true
  debug_colors = false
  server_name = "${serverName(instance, name)}"
  api_secret = "${secrets.janusSecret}"
  session_timeout = 60
  reclaim_session_timeout = 45
  recordings_tmp_ext = "tmp"
  hide_dependencies = true
}
certificates: { }
media: { ipv6 = false  rtp_port_range = "${mediaPorts(name, ports)}"  no_media_timer = 1  slowlink_threshold = 10 }
nat: { ignore_mdns = true${address ? `  ice_enforce_list = "${address}"` : ''} }
plugins: { disable = "${others(join(modules, 'plugins'), usedPlugin, echoPlugin)}" }
transports: { disable = "${others(join(modules, 'transports'), usedTransport)}" }
loggers: { disable = "${others(join(modules, 'loggers'), '')}" }
events: { broadcast = false }
`,
  );
  writeFileSync(
    join(folder, 'janus.transport.websockets.jcfg'),
    `general: { json = "compact"  ws = true  ws_ip = "127.0.0.1"  ws_port = ${ports[name]}  wss = false  pingpong_trigger = 10  pingpong_timeout = 5 }
admin: { admin_ws = false }
`,
  );
  writeFileSync(
    join(folder, 'janus.plugin.videoroom.jcfg'),
    `general: { admin_key = "${secrets.janusSecret}"  lock_rtp_forward = true  string_ids = true }\n`,
  );
  return folder;
}

/** Asks over a bare WebSocket (RFC 6455), since Node 20 has no client of its own. */
async function hasName(url, name) {
  const { createConnection } = await import('node:net');
  const { port } = new URL(url);
  return new Promise((resolve) => {
    const socket = createConnection(Number(port), '127.0.0.1');
    let seen = '';
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1500, () => done(false));
    socket.once('error', () => done(false));
    socket.once('connect', () =>
      socket.write(
        'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: janus-protocol\r\n\r\n',
      ),
    );
    let asked = false;
    socket.on('data', (data) => {
      seen += data.toString('latin1');
      if (!asked && seen.includes('\r\n\r\n')) {
        asked = true;
        socket.write(textFrame('{"janus":"info","transaction":"ready"}'));
      }
      if (seen.includes('"server-name"')) done(seen.includes(`"server-name":"${name}"`));
    });
  });
}

/** A masked text frame of under 126 bytes; the mask is zero. */
function textFrame(text) {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
