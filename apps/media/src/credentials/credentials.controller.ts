import {
  type AppId,
  appIdSchema,
  type CallId,
  callIdSchema,
  type DeviceId,
  deviceIdSchema,
  type MediaCredentials,
  type Subject,
  type UserAlias,
  userAliasSchema,
} from '@communication-center/contracts';
import { From, JsonBody, requireService, Settings } from '@communication-center/service';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { Rooms } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import { MediaTokens } from './media-tokens.js';

const bodySchema = z.object({
  appId: appIdSchema,
  callId: callIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema,
  sequence: z.int(),
});

@Controller('internal/credentials')
export class CredentialsController {
  constructor(
    private readonly rooms: Rooms,
    private readonly tokens: MediaTokens,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {}

  /** Lets one device into one call. The calls service asks, and knows that the device is in it. */
  @Post()
  @HttpCode(200)
  async issue(
    @From() subject: Subject,
    @JsonBody(bodySchema) body: { appId: AppId; callId: CallId; userAlias: UserAlias; deviceId: DeviceId; sequence: number },
  ): Promise<MediaCredentials> {
    requireService(subject);
    const { generation } = await this.rooms.place(body.appId, body.callId);
    const { token, expiresAt } = await this.tokens.mint({ ...body, generation });
    return { url: this.settings.PUBLIC_URL, token, expiresAt, generation, iceServers: this.settings.ICE_SERVERS };
  }
}
