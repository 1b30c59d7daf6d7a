import type { MediaCredentials } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { InquiryOf, Serves, Settings } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import { Rooms } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import { MediaTokens } from './media-tokens.js';

@Controller()
export class CredentialsController {
  constructor(
    private readonly rooms: Rooms,
    private readonly tokens: MediaTokens,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {}

  @Serves(internal.mediaCredentials)
  async issue(@InquiryOf(internal.mediaCredentials) { body }: Inquiry<typeof internal.mediaCredentials>): Promise<MediaCredentials> {
    const { generation } = await this.rooms.place(body.appId, body.callId);
    const { token, expiresAt } = await this.tokens.mint({ ...body, generation });
    return { url: this.settings.PUBLIC_URL, token, expiresAt, generation, iceServers: this.settings.ICE_SERVERS };
  }
}
