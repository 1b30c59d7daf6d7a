import type { IncomingMessage } from 'node:http';
import { ClientConnections, countedAs, refuseOverHttp, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { GatewaySettings } from './settings.js';

/** Who the clients of the public door are, by their addresses; see {@link ClientConnections}. */
@Injectable()
export class Clients extends ClientConnections {
  constructor(@Inject(Settings) settings: GatewaySettings) {
    super(settings, { refuse: refuseOverHttp });
  }

  /** @returns the address of whoever asks, as it is counted: of IPv6 the network of a household. */
  countedAddressOf(request: Pick<IncomingMessage, 'socket' | 'headers'>): string {
    return countedAs(this.addressOf(request));
  }
}
