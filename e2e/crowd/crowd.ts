import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestApp } from '@communication-center/testing';

interface Report {
  open: number;
  /** Close codes of those that were closed. */
  closed: number[];
  /** How long each answer to a ping took since the last report, in milliseconds. */
  pongs: number[];
  /** By user, how many of its devices know of a ring. */
  rung: Record<string, number>;
}

/** Many client sockets, held by a process of their own. */
export class Crowd {
  private constructor(private readonly child: ChildProcess) {}

  /** Opens `count` sockets at a gateway, so many devices for each user, named `<prefix>-<number>`. */
  static async open(
    url: string,
    app: TestApp,
    { prefix, count, devicesPerUser = 10 }: { prefix: string; count: number; devicesPerUser?: number },
  ) {
    const child = fork(join(import.meta.dirname, 'hold-sockets.mjs'));
    const open = {
      url: `${url.replace('http', 'ws')}/v1/socket`,
      appId: app.appId,
      secret: { kid: app.secret.kid, secret: app.secret.secret },
      prefix,
      count,
      devicesPerUser,
    };
    child.send({ open });
    const [opened] = (await once(child, 'message')) as [{ open?: number; failed?: string }];
    if (opened.open !== count) throw new Error(`The crowd did not get in: ${JSON.stringify(opened)}`);
    return new Crowd(child);
  }

  /** From now on each socket says something once a second. */
  ping(): void {
    this.child.send('ping');
  }

  async report(): Promise<Report> {
    const answer = once(this.child, 'message');
    this.child.send('report');
    return ((await answer) as [Report])[0];
  }

  /** All are gone at once, without a word. */
  async vanish(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
