import { type Inquiry, internal } from '@communication-center/contracts/internal';
import {
  answerInLines,
  type Hijackable,
  Identity,
  InquiryOf,
  type LineLog,
  Log,
  Postgres,
  Serves,
  WireDoor,
} from '@communication-center/service';
import { type BeforeApplicationShutdown, Controller, Inject, type OnApplicationBootstrap, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CommandsAtOnce } from './commands-at-once.js';

/** Where gateways tell what several devices did at the same moment, in one question: over a wire that stays, or in a request. */
@Controller()
export class DeviceCommandsController implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #wires: WireDoor<typeof internal.carryOut>;

  constructor(
    private readonly commands: CommandsAtOnce,
    private readonly http: HttpAdapterHost,
    identity: Identity,
    database: Postgres,
    @Inject(Log) logger: LineLog,
  ) {
    this.#wires = new WireDoor({
      endpoint: internal.carryOut,
      identity,
      logger,
      around: (work) => database.during('commands', work),
      serve: ({ body }, tell) => commands.carryOut(body, tell),
    });
  }

  onApplicationBootstrap(): void {
    this.#wires.open(this.http.httpAdapter.getHttpServer());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#wires.close();
  }

  @Serves(internal.carryOut)
  async carryOut(@InquiryOf(internal.carryOut) { body }: Inquiry<typeof internal.carryOut>, @Res() reply: Hijackable): Promise<void> {
    await answerInLines(reply, (tell) => this.commands.carryOut(body, tell));
  }
}
