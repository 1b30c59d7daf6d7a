import { createSocket, type Socket } from 'node:dgram';

/** What happens to packets on the way, each way. */
interface Weather {
  /** Of a hundred packets so many never arrive, each by chance. */
  lossPercent: number;
  /** So much later the others do, in milliseconds, and in order. */
  delayMs: number;
}

/** One packet's journey after the other: nothing is kept that has waited for longer than this many packets. */
const mostUnderWay = 10_000;

/**
 * A bad network between devices and a media server: a UDP proxy that loses packets, and holds up those that it does not lose. Each address
 * behind it is reached at a port of its own here; whoever is behind it sees the proxy in place of the device.
 */
export class LossyPath {
  readonly #sockets: Socket[] = [];
  readonly #ports = new Map<string, Promise<number>>();
  readonly #packets = { passed: 0, lost: 0 };
  #underWay = 0;

  /** @param here the address of this machine at which devices reach it. */
  constructor(
    private readonly here: string,
    private readonly weather: Weather,
  ) {}

  /** What came in so far, and what of it was lost. */
  get packets(): { passed: number; lost: number } {
    return { ...this.#packets };
  }

  /** @returns the port at which something behind it is reached. */
  portTo(address: string, port: number): Promise<number> {
    const key = `${address}:${port}`;
    const known = this.#ports.get(key) ?? this.#open(address, port);
    this.#ports.set(key, known);
    return known;
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  async #open(address: string, port: number): Promise<number> {
    const front = await this.#bound();
    /** For each device that came here, how it is known behind. */
    const backs = new Map<string, Promise<Socket>>();
    front.on('message', (packet, from) => {
      const key = `${from.address}:${from.port}`;
      const back =
        backs.get(key) ??
        this.#bound().then((socket) =>
          socket.on('message', (answer) => this.#carry(() => front.send(answer, from.port, from.address, ignore))),
        );
      backs.set(key, back);
      this.#carry(() => void back.then((socket) => socket.send(packet, port, address, ignore)));
    });
    return front.address().port;
  }

  /** Has a packet arrive, or not. */
  #carry(deliver: () => void): void {
    const { lossPercent, delayMs } = this.weather;
    if (Math.random() * 100 < lossPercent || this.#underWay >= mostUnderWay) {
      this.#packets.lost += 1;
      return;
    }
    this.#packets.passed += 1;
    this.#underWay += 1;
    setTimeout(() => {
      this.#underWay -= 1;
      if (this.#sockets.length > 0) deliver();
    }, delayMs);
  }

  async #bound(): Promise<Socket> {
    const socket = createSocket('udp4');
    socket.on('error', ignore);
    await new Promise<void>((resolve) => socket.bind(0, this.here, resolve));
    this.#sockets.push(socket);
    return socket;
  }
}

/** A port that nobody is at any more answers by ICMP: as on any network, that packet is lost. */
function ignore(): void {}
