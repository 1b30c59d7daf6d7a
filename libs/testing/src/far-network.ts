import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Nobody has this Ethernet address: what is sent to it is dropped without a word. */
const nobody = '02:00:00:00:00:01';
let made = 0;

const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 5000 });

/**
 * A network namespace with one cable to this machine, for a browser far away: its packets are real ones, and are lost when the cable
 * is cut, without anybody's being told. Of this machine it reaches what media comes from, and the doors it is opened for.
 *
 * Needs Linux, root and iproute2. Nothing of it outlives {@link close}, or the machine's next start.
 */
export class FarNetwork {
  readonly #name: string;
  readonly #cable: string;
  readonly #farAddress: string;
  readonly #macs: { here: string; there: string };
  readonly #folder = mkdtempSync(join(tmpdir(), 'far-network-'));
  readonly #doors: Server[] = [];
  readonly #open = new Set<Socket>();

  /** @param here the address of this machine that media comes from. */
  private constructor(private readonly here: string) {
    made += 1;
    this.#name = `far-${process.pid}-${made}`;
    const number = process.pid % 16_384;
    this.#cable = `far${number}x${made}`;
    // Of the block that is kept for trials of networks, which nobody is reached at.
    this.#farAddress = `198.${18 + (made % 2)}.${number >> 8}.${number & 255}`;
    ip('netns', 'add', this.#name);
    try {
      this.#macs = this.#lay();
    } catch (error) {
      this.#takeAway();
      throw error;
    }
  }

  /** @returns why there can be no such network here, for people; undefined where there can. */
  static whyNot(): string | undefined {
    if (!addressHere()) return 'this machine has no network address besides loopback';
    try {
      new FarNetwork(addressHere() ?? '').#takeAway();
      return undefined;
    } catch (error) {
      return `no network of its own could be made, which needs Linux, root and iproute2 (${String(error).split('\n')[0]})`;
    }
  }

  /** @param ports of this machine's loopback that are reached from there, under the same address and port. */
  static async open(ports: readonly number[]): Promise<FarNetwork> {
    const network = new FarNetwork(addressHere() ?? '');
    for (const port of ports) await network.#openDoor(port);
    return network;
  }

  /** How a browser is started there. */
  get browser(): { within: (program: string) => string; args: string[] } {
    return {
      within: (program) => {
        const script = join(this.#folder, 'browser');
        writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${this.#name} ${program} "$@"\n`);
        chmodSync(script, 0o700);
        return script;
      },
      // Pages keep the address they have here, which may use cameras without TLS.
      args: [`--host-resolver-rules=MAP 127.0.0.1 ${this.here}`],
    };
  }

  /** From now on every packet is lost, both ways, until {@link heal}. */
  cut(): void {
    this.#lead({ here: nobody, there: nobody });
  }

  heal(): void {
    this.#lead(this.#macs);
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await Promise.all(this.#doors.map((door) => new Promise((resolve) => door.close(resolve))));
    this.#takeAway();
  }

  /** Lays the cable. This end has no address of its own: what is far is found by its route alone, which goes with the cable. */
  #lay(): { here: string; there: string } {
    const there = ['-n', this.#name];
    ip('link', 'add', this.#cable, 'type', 'veth', 'peer', 'name', 'far', 'netns', this.#name);
    ip('link', 'set', this.#cable, 'addrgenmode', 'none', 'up');
    ip(...there, 'link', 'set', 'lo', 'up');
    ip(...there, 'link', 'set', 'far', 'addrgenmode', 'none', 'up');
    ip(...there, 'addr', 'add', `${this.#farAddress}/32`, 'dev', 'far');
    ip(...there, 'route', 'add', 'default', 'dev', 'far');
    ip('route', 'add', `${this.#farAddress}/32`, 'dev', this.#cable);
    const macs = {
      here: readFileSync(`/sys/class/net/${this.#cable}/address`, 'utf8').trim(),
      there: /link\/ether (\S+)/.exec(ip(...there, 'link', 'show', 'far'))?.[1] ?? '',
    };
    this.#lead(macs);
    return macs;
  }

  /** Says to which Ethernet addresses packets go: nobody asks for them, so that none is lost when the cable is whole again. */
  #lead({ here, there }: { here: string; there: string }): void {
    ip('-n', this.#name, 'neigh', 'replace', this.here, 'lladdr', here, 'nud', 'permanent', 'dev', 'far');
    ip('neigh', 'replace', this.#farAddress, 'lladdr', there, 'nud', 'permanent', 'dev', this.#cable);
  }

  async #openDoor(port: number): Promise<void> {
    const door = createServer((far) => {
      // Others of this machine's network have no business here.
      if (far.remoteAddress !== this.#farAddress) return void far.destroy();
      this.#carry(far, dial({ host: '127.0.0.1', port }));
    });
    this.#doors.push(door);
    await new Promise<void>((resolve, reject) => door.once('error', reject).listen(port, this.here, resolve));
  }

  #carry(far: Socket, near: Socket): void {
    const end = () => {
      far.destroy();
      near.destroy();
    };
    for (const socket of [far, near]) {
      this.#open.add(socket);
      socket.setNoDelay(true);
      // A close follows, and says all there is to know.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#open.delete(socket);
        end();
      });
    }
    far.pipe(near);
    near.pipe(far);
  }

  #takeAway(): void {
    for (const what of [
      ['link', 'del', this.#cable],
      ['netns', 'del', this.#name],
    ]) {
      try {
        ip(...what);
      } catch {
        // It did not come to that.
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The first address that is not loopback, from which Janus sends. */
function addressHere(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flat();
  return process.env.MEDIA_ADDRESS || addresses.find((address) => address && !address.internal && address.family === 'IPv4')?.address;
}
