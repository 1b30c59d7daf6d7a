import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
let made = 0;

/** @throws Error with what the program said. */
function run(program: 'ip' | 'nft', args: readonly string[], input = ''): string {
  return execFileSync(program, args, { input, env, encoding: 'utf8', stdio: 'pipe', timeout: 5000 });
}

/**
 * A network namespace with one cable to this machine, for a browser far away: its packets are real ones, and are lost when the cable
 * is cut, without anybody's being told, as in a lift. This machine's doors are reached there at the addresses they have here, which pages
 * may use cameras at; media is sent to this machine's address, and comes back over the cable.
 *
 * Needs Linux, root, iproute2 and nftables. Nothing of it outlives {@link close}, or the next start of the machine.
 */
export class FarNetwork {
  readonly #name: string;
  readonly #cable: string;
  readonly #here: string;
  readonly #there: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'far-network-'));
  readonly #closing: (() => void)[] = [];

  private constructor(ports: readonly number[]) {
    made += 1;
    const number = ((process.pid % 4096) * 8 + (made % 8)) * 4;
    this.#name = `far-${process.pid}-${made}`;
    this.#cable = `far${number}`;
    // Of the block that is kept for trials of networks, which nobody is reached at.
    const address = (last: number) => `198.${18 + (number >> 16)}.${(number >> 8) & 255}.${(number & 255) + last}`;
    this.#here = address(1);
    this.#there = address(2);
    try {
      this.#layCable();
      this.#lead(ports);
    } catch (error) {
      this.#takeAway();
      throw error;
    }
  }

  /** @returns why there can be no such network here, for people; undefined where there can. */
  static whyNot(): string | undefined {
    try {
      new FarNetwork([9]).#takeAway();
      return undefined;
    } catch (error) {
      return `no network of its own can be made, which needs Linux, root, ip and nft: ${String(error).split('\n')[0]}`;
    }
  }

  /** @param ports of this machine's loopback that are reached from there, under the same address and port. */
  static open(ports: readonly number[]): FarNetwork {
    return new FarNetwork(ports);
  }

  /** @returns the path of a program that starts another one there, with the arguments it is given. */
  within(program: string): string {
    const script = join(this.#folder, `far-${program.replaceAll('/', '-')}`);
    writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${this.#name} ${program} "$@"\n`);
    chmodSync(script, 0o700);
    return script;
  }

  /**
   * Has a port of this machine's loopback reach the same port of the loopback there, past the cable: how a browser is driven while it is cut.
   * @returns the port, which was free.
   */
  async reach(): Promise<number> {
    const path = join(this.#folder, 'reach');
    const server = createServer((here) => joinUp(here, connect({ path })));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const there: ChildProcess = spawn('ip', ['netns', 'exec', this.#name, process.execPath, '-e', relaySource, path, String(port)], {
      env,
      stdio: 'ignore',
    });
    this.#closing.push(
      () => server.close(),
      () => there.kill('SIGKILL'),
    );
    await eventually('a way into the far network', () => existsSync(path));
    return port;
  }

  /** From now on every packet is lost, both ways, until {@link heal}. */
  cut(): void {
    const table = (device: string) => `table netdev ${this.#table} {
  chain lost {
    type filter hook ingress device "${device}" priority 0
    policy drop
  }
}
`;
    run('nft', ['-f', '-'], table(this.#cable));
    run('ip', ['netns', 'exec', this.#name, 'nft', '-f', '-'], table('far'));
  }

  heal(): void {
    run('ip', ['netns', 'exec', this.#name, 'nft', 'delete', 'table', 'netdev', this.#table]);
    run('nft', ['delete', 'table', 'netdev', this.#table]);
  }

  close(): void {
    for (const end of this.#closing.splice(0)) end();
    this.#takeAway();
  }

  get #table(): string {
    return `cut_${this.#cable}`;
  }

  #layCable(): void {
    const there = ['-n', this.#name];
    run('ip', ['netns', 'add', this.#name]);
    run('ip', ['link', 'add', this.#cable, 'type', 'veth', 'peer', 'name', 'far', 'netns', this.#name]);
    run('ip', ['addr', 'add', `${this.#here}/30`, 'dev', this.#cable]);
    run('ip', ['link', 'set', this.#cable, 'up']);
    run('ip', [...there, 'link', 'set', 'lo', 'up']);
    run('ip', [...there, 'addr', 'add', `${this.#there}/30`, 'dev', 'far']);
    run('ip', [...there, 'link', 'set', 'far', 'up']);
    run('ip', [...there, 'route', 'add', 'default', 'via', this.#here]);
    // What comes over a cable for 127.0.0.1 is refused unless it is said that it is meant.
    writeFileSync(`/proc/sys/net/ipv4/conf/${this.#cable}/route_localnet`, '1');
    run('ip', ['netns', 'exec', this.#name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet']);
  }

  /**
   * Leads connections from 127.0.0.1 there to 127.0.0.1 here, and back. Janus sends each answer through the device of the address that
   * it offers; a mark makes the kernel look for the way anew.
   */
  #lead(ports: readonly number[]): void {
    const doors = `{ ${ports.join(', ')} }`;
    run(
      'nft',
      ['-f', '-'],
      `table ip ${this.#cable} {
  chain come {
    type nat hook prerouting priority -100
    iifname "${this.#cable}" ip daddr ${this.#here} tcp dport ${doors} dnat to 127.0.0.1
  }
  chain answer {
    type route hook output priority -150
    ip daddr ${this.#there} meta mark set 1
  }
}
`,
    );
    run(
      'ip',
      ['netns', 'exec', this.#name, 'nft', '-f', '-'],
      `table ip ${this.#cable} {
  chain go {
    type nat hook output priority -100
    ip daddr 127.0.0.1 tcp dport ${doors} dnat to ${this.#here}
  }
  chain leave {
    type nat hook postrouting priority 100
    oifname "far" masquerade
  }
}
`,
    );
  }

  #takeAway(): void {
    for (const [program, ...args] of [
      ['nft', 'delete', 'table', 'ip', this.#cable],
      ['nft', 'delete', 'table', 'netdev', this.#table],
      ['ip', 'link', 'del', this.#cable],
      ['ip', 'netns', 'del', this.#name],
    ] as const) {
      try {
        run(program, args);
      } catch {
        // It did not come to that, or is gone with what it was of.
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Runs there: from a socket of the file system, which networks share, to a port of the loopback. */
const relaySource = `
const { connect, createServer } = require('node:net');
const [path, port] = process.argv.slice(1);
createServer((from) => {
  const to = connect({ host: '127.0.0.1', port: Number(port) });
  for (const socket of [from, to]) socket.setNoDelay?.(true).on('error', () => undefined);
  from.pipe(to).pipe(from);
}).listen(path);
`;

function joinUp(one: Socket, other: Socket): void {
  for (const socket of [one, other]) socket.on('error', () => undefined);
  one.pipe(other).pipe(one);
}
