import { type AppId, type Subject } from '@communication-center/contracts';
import { type JobBody, type JobView, jobBodySchema, type Resend, resendSchema } from '@communication-center/contracts/webhook-messages';
import { ActsOnRecord, appOfKey, From, NeededBody, PathParam, Postgres, ProblemError } from '@communication-center/service';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { isNotice } from '../domain/message.js';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { tellOfWaiting } from '../lanes/told-of-waiting.js';
import { readMessage } from '../read-messages/message-view.js';
import { cancelJob, handOver, listJobs, makeJob, readJob, requireRoomForJob } from './job-rows.js';
import { JobRunner } from './job-runner.js';

const idIn = (name: string) => PathParam(name, z.uuid());

@Controller('v1')
export class JobsController {
  constructor(
    private readonly database: Postgres,
    private readonly endpoints: EndpointStore,
    private readonly runner: JobRunner,
    private readonly acts: ActsOnRecord,
  ) {}

  /** Has many messages delivered to an endpoint again, beside what is new. */
  @Post('webhook-endpoints/:endpointId/jobs')
  async make(@From() subject: Subject, @idIn('endpointId') endpointId: string, @NeededBody(jobBodySchema) wish: JobBody): Promise<JobView> {
    const appId = appOfKey(subject, 'webhooks');
    await requireRoomForJob(this.database, appId, endpointId);
    const jobId = uuidv7();
    await this.acts.note(subject, { appId, act: 'webhook_job.made', target: `${jobId} at ${endpointId}: ${inWords(wish)}` });
    const job = await makeJob(this.database, appId, { jobId, endpointId, wish });
    this.runner.wake();
    return job;
  }

  @Get('webhook-jobs')
  async list(@From() subject: Subject): Promise<{ jobs: JobView[] }> {
    return { jobs: await listJobs(this.database.of('lists'), appOfKey(subject, 'webhooks')) };
  }

  @Get('webhook-jobs/:jobId')
  async read(@From() subject: Subject, @idIn('jobId') jobId: string): Promise<JobView> {
    return readJob(this.database.of('reads'), appOfKey(subject, 'webhooks'), jobId);
  }

  /** What is under way is still delivered. */
  @Post('webhook-jobs/:jobId/cancel')
  @HttpCode(200)
  async cancel(@From() subject: Subject, @idIn('jobId') jobId: string): Promise<JobView> {
    const appId = appOfKey(subject, 'webhooks');
    const { endpointId, state } = await readJob(this.database, appId, jobId);
    if (state === 'running') await this.acts.note(subject, { appId, act: 'webhook_job.cancelled', target: `${jobId} at ${endpointId}` });
    await cancelJob(this.database, jobId, null);
    return readJob(this.database, appId, jobId);
  }

  /** Has one message delivered to an endpoint again, whether it wants such or not. */
  @Post('webhook-messages/:messageId/resend')
  @HttpCode(202)
  async resend(
    @From() subject: Subject,
    @idIn('messageId') messageId: string,
    @NeededBody(resendSchema) { endpointId }: Resend,
  ): Promise<void> {
    const appId: AppId = appOfKey(subject, 'webhooks');
    const message = await readMessage(this.database.of('reads'), appId, messageId);
    await this.endpoints.get(appId, endpointId);
    if (isNotice(message, endpointId)) throw new ProblemError('conflict', 'An endpoint is not told of its own troubles');
    await this.acts.note(subject, { appId, act: 'webhook_message.resent', target: `${messageId} to ${endpointId}` });
    await handOver(this.database, endpointId, message);
    await tellOfWaiting(this.database, [appId]);
  }
}

/** What a job hands over, as the record says it: subjects are ids of calls, or aliases. */
function inWords({ kind, since, until, position, subject }: JobBody): string {
  const parts = [
    since === undefined ? undefined : `since ${since}`,
    until === undefined ? undefined : `until ${until}`,
    position === undefined ? undefined : `after position ${position}`,
    subject === undefined ? undefined : `of ${subject}`,
  ];
  return [kind, ...parts.filter((part) => part !== undefined)].join(' ');
}
