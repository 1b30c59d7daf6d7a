import type { Subject } from '@communication-center/contracts';
import { type MediaTest, type MediaTestBody, mediaTestBodySchema, mediaTestLimits } from '@communication-center/contracts/media-test';
import { From, NeededBody, ProblemError, Settings } from '@communication-center/service';
import { FairShare } from '@communication-center/service/fair-share';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { turnServersFor } from '../credentials/turn-servers.js';
import type { MediaSettings } from '../settings.js';
import { Echoes } from './echoes.js';

/** Lets a user find out, before a call, how one would go. */
@Controller()
export class MediaTestsController {
  constructor(
    private readonly echoes: Echoes,
    private readonly shares: FairShare,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {}

  /** Without an offer nothing is begun: the servers are told, through which an offer finds its candidates. */
  @Post('v1/media/test')
  @HttpCode(200)
  async test(@From() subject: Subject, @NeededBody(mediaTestBodySchema) { sdp }: MediaTestBody): Promise<MediaTest> {
    if (subject.kind !== 'user') throw new ProblemError('forbidden', 'Media are tested on a device of a user: sign in as one');
    const iceServers = [...this.settings.ICE_SERVERS, ...turnServersFor(subject, this.settings, Date.now())];
    const { kbps } = mediaTestLimits;
    if (sdp === undefined) return { iceServers, kbps };
    await this.shares.require('media_tests', { subject });
    const { endsAt, ...echo } = await this.echoes.begin(sdp);
    return { iceServers, kbps, ...echo, endsAt: endsAt.toISOString() };
  }
}
