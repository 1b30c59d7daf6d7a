import {
  type AppId,
  type PushRegistrationBody,
  type PushRegistrationList,
  type PushRegistrationQuery,
  type PushRegistrationView,
  pushRegistrationBodySchema,
  pushRegistrationQuerySchema,
  type Subject,
  type UserAlias,
} from '@communication-center/contracts';
import { AddressGuard, appOf, From, NeededBody, PathParam, ProblemError, QueryString, Settings } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import type { NotificationsSettings } from '../settings.js';
import { RegistrationStore } from './registration-store.js';

/** Registers where devices are pushed to: users for themselves, keys for any user of their app. */
@Controller('v1/push-registrations')
export class RegistrationsController {
  readonly #guard: AddressGuard;

  constructor(
    private readonly registrations: RegistrationStore,
    @Inject(Settings) settings: NotificationsSettings,
  ) {
    this.#guard = new AddressGuard(settings);
  }

  @Post()
  @HttpCode(200)
  async register(
    @From() subject: Subject,
    @NeededBody(pushRegistrationBodySchema) body: PushRegistrationBody,
  ): Promise<PushRegistrationView> {
    const { appId, userAlias } = whoseOf(subject, body.userAlias);
    if (body.target.kind === 'web_push') this.#guard.requireUrl('target.endpoint', body.target.endpoint);
    return this.registrations.register(appId, userAlias, body);
  }

  @Get()
  async list(
    @From() subject: Subject,
    @QueryString(pushRegistrationQuerySchema) query: PushRegistrationQuery,
  ): Promise<PushRegistrationList> {
    const { appId, userAlias } = whoseOf(subject, query.userAlias);
    return { registrations: await this.registrations.list(appId, userAlias, query) };
  }

  @Delete()
  @HttpCode(204)
  async removeAll(@From() subject: Subject, @QueryString(pushRegistrationQuerySchema) query: PushRegistrationQuery): Promise<void> {
    const { appId, userAlias } = whoseOf(subject, query.userAlias);
    await this.registrations.removeAll(appId, userAlias, query);
  }

  @Delete(':registrationId')
  @HttpCode(204)
  async remove(@From() subject: Subject, @PathParam('registrationId', z.uuid()) registrationId: string): Promise<void> {
    const appId = appOf(subject, 'notifications');
    await this.registrations.remove(appId, registrationId, subject.kind === 'user' ? subject.userAlias : undefined);
  }
}

/** @throws ProblemError `forbidden` for a user who names another, `invalid_request` for a key that names nobody. */
function whoseOf(subject: Subject, named: UserAlias | undefined): { appId: AppId; userAlias: UserAlias } {
  const appId = appOf(subject, 'notifications');
  if (subject.kind !== 'user') {
    if (named) return { appId, userAlias: named };
    const message = 'a key says for whom it asks';
    throw new ProblemError('invalid_request', `userAlias: ${message}`, { fields: [{ field: 'userAlias', message }] });
  }
  if (named && named !== subject.userAlias) throw new ProblemError('forbidden', 'A user registers devices of its own alone');
  return { appId, userAlias: subject.userAlias };
}
