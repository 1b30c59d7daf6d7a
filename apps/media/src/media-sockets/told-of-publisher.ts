import type { DeviceId, Layer, Sending, UserAlias } from '@communication-center/contracts';
import type { LetIn } from './stream-room.js';

/** How much later than it was said, in milliseconds, a ping may come before its device counts as quiet. */
const lateMs = 800;

/**
 * What others are told of a device that publishes, besides its streams: what it sends, and whether it is quiet, which is that its
 * pings are overdue and none of its media comes. It travels as the display text of its feed, so that Janus tells it to
 * everyone, whichever process they are connected to, and whoever comes later.
 */
export class ToldOfPublisher {
  readonly #who: { userAlias: UserAlias; deviceId: DeviceId };
  readonly #onChange: () => void;
  readonly #flowing = new Set<string>();
  #sending: Sending | undefined;
  #screen: Sending | undefined;
  #layers: readonly Layer[] | undefined;
  #letIn: LetIn = {};
  #isOverdue = false;
  #overdue: NodeJS.Timeout | undefined;
  #told: string;

  /** @param onChange when {@link display} is another. */
  constructor({ userAlias, deviceId }: { userAlias: UserAlias; deviceId: DeviceId }, onChange: () => void) {
    this.#who = { userAlias, deviceId };
    this.#onChange = onChange;
    this.#told = this.display;
  }

  /** Whether any of its media comes. */
  get isFlowing(): boolean {
    return this.#flowing.size > 0;
  }

  /** Whether its pings are overdue. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  get display(): string {
    const quiet = this.#isOverdue && this.#flowing.size === 0;
    const sent = { sending: this.#sending, screen: this.#screen, layers: this.#layers };
    const letIn = Object.keys(this.#letIn).length > 0 && { letIn: this.#letIn };
    return JSON.stringify({ ...this.#who, kind: 'camera', ...sent, ...letIn, ...(quiet && { quiet }) });
  }

  /** Whether the device says that it sends sound or picture. */
  get sendsAnything(): boolean {
    return [this.#sending, this.#screen].some((sent) => sent?.audio === 'on' || sent?.video === 'on');
  }

  /** @param screen is what comes of a screen, while one is shared. */
  sends({ audio, video, screen, layers }: Sending & { screen?: Sending | undefined; layers?: readonly Layer[] | undefined }): void {
    this.#sending = { audio, video };
    this.#layers = layers;
    this.#screen = screen && { audio: screen.audio, video: screen.video };
    this.#tell();
  }

  /** Since when its pictures have their room: goes with what is told next. */
  letIn(letIn: LetIn): void {
    this.#letIn = letIn;
  }

  /** @returns what is being told with the feed itself. */
  tell(): string {
    this.#told = this.display;
    return this.#told;
  }

  /** A ping came; the next is to come within so many milliseconds, or when it likes. */
  pinged(nextWithinMs: number | undefined): void {
    clearTimeout(this.#overdue);
    this.#isOverdue = false;
    if (nextWithinMs !== undefined) this.#overdue = setTimeout(() => this.#miss(), nextWithinMs + lateMs).unref();
    this.#tell();
  }

  /** Janus receives a section of the device's media, or has not for a second. */
  receives(mid: string, isReceiving: boolean): void {
    if (isReceiving) this.#flowing.add(mid);
    else this.#flowing.delete(mid);
    this.#tell();
  }

  stop(): void {
    clearTimeout(this.#overdue);
  }

  #miss(): void {
    this.#isOverdue = true;
    this.#tell();
  }

  #tell(): void {
    const { display } = this;
    if (display === this.#told) return;
    this.#told = display;
    this.#onChange();
  }
}
