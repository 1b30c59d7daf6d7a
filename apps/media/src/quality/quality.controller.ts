import { type CallId, callIdSchema, type Subject } from '@communication-center/contracts';
import { type QualityQuery, type QualityView, qualityModel, qualityQuerySchema } from '@communication-center/contracts/quality';
import { appOf, From, PathParam, Postgres, ProblemError, QueryString } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { judgeCall } from './domain/judge-call.js';
import type { Sample } from './domain/sample.js';
import { seriesOf, stretchesOf } from './domain/series.js';
import { knownCall, samplesOf } from './quality-rows.js';

/** Reads how the media of a call goes, or went. */
@Controller()
export class QualityController {
  constructor(private readonly database: Postgres) {}

  /** A key sees everyone in the call; a user what was measured on its own devices. */
  @Get('v1/calls/:callId/quality')
  async of(
    @From() subject: Subject,
    @PathParam('callId', callIdSchema) callId: CallId,
    @QueryString(qualityQuerySchema) { points }: QualityQuery,
  ): Promise<QualityView> {
    const appId = appOf(subject, 'calls');
    const lists = this.database.of('lists');
    const call = await knownCall(lists, appId, callId);
    const samples = call ? await samplesOf(lists, callId, points) : [];
    const stretches = stretchesOf(samples);
    const judged = call?.summary ?? judgeCall(samples, stretches);
    const visible = judged.filter(({ userAlias }) => subject.kind !== 'user' || subject.userAlias === userAlias);
    // Whether there is such a call is not told apart: that is for who has a part in it to know.
    if (!call || visible.length === 0) throw new ProblemError('not_found', 'Nothing is kept of how the media of such a call went');
    const participants = visible.map((judgement) => {
      const isOf = ({ userAlias }: Sample) => userAlias === judgement.userAlias;
      return {
        ...judgement,
        streams: seriesOf(stretches.filter(({ sample }) => isOf(sample))),
        janus: samples.filter(isOf).map(({ deviceId, at, measured }) => ({ deviceId, at: at.toISOString(), ...measured.janus })),
      };
    });
    return { callId, model: qualityModel, isOver: call.isOver, participants };
  }
}
