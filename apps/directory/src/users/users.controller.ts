import {
  doNotDisturbBodySchema,
  type Subject,
  type UserAlias,
  type UserBody,
  type UserPatch,
  type UserRevoked,
  type UserView,
  userAliasSchema,
  userBodySchema,
  userPatchSchema,
} from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import {
  appOfKey,
  From,
  faultOfWebAddress,
  InquiryOf,
  JsonBody,
  NeededBody,
  PathParam,
  ProblemError,
  Serves,
  Settings,
} from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject, Patch, Post, Put } from '@nestjs/common';
import { AppStore } from '../apps/app-store.js';
import { noteOf } from '../audit/audit.js';
import type { DirectorySettings } from '../settings.js';
import { UserStore } from './user-store.js';

@Controller()
export class UsersController {
  readonly #profile: DirectorySettings['PROFILE'];

  constructor(
    private readonly apps: AppStore,
    private readonly users: UserStore,
    @Inject(Settings) directory: Pick<DirectorySettings, 'PROFILE'>,
  ) {
    this.#profile = directory.PROFILE;
  }

  @Put('v1/users/:userAlias')
  async save(
    @From() subject: Subject,
    @PathParam('userAlias', userAliasSchema) userAlias: UserAlias,
    @NeededBody(userBodySchema) body: UserBody,
  ): Promise<UserView> {
    const appId = appOfKey(subject, 'users');
    this.#requirePicture(body.picture);
    return this.users.save(appId, userAlias, body);
  }

  /** Changes what is named, and nothing else. */
  @Patch('v1/users/:userAlias')
  async change(
    @From() subject: Subject,
    @PathParam('userAlias', userAliasSchema) userAlias: UserAlias,
    @NeededBody(userPatchSchema) patch: UserPatch,
  ): Promise<UserView> {
    const appId = appOfKey(subject, 'users');
    this.#requirePicture(patch.picture);
    return this.users.change(appId, userAlias, patch);
  }

  /** A key sees every user of its app; a user sees itself. */
  @Get('v1/users/:userAlias')
  async get(@From() subject: Subject, @PathParam('userAlias', userAliasSchema) userAlias: UserAlias): Promise<UserView> {
    if (subject.kind !== 'user') return this.users.get(appOfKey(subject, 'users'), userAlias);
    if (subject.userAlias !== userAlias) throw new ProblemError('forbidden', 'A user sees its own settings alone');
    return this.users.get(subject.appId, userAlias);
  }

  /** A user's own wish not to be rung; a key may set it for any user. */
  @Put('v1/users/:userAlias/do-not-disturb')
  async setDoNotDisturb(
    @From() subject: Subject,
    @PathParam('userAlias', userAliasSchema) userAlias: UserAlias,
    @JsonBody(doNotDisturbBodySchema) body: { doNotDisturb: boolean },
  ): Promise<UserView> {
    if (subject.kind === 'user' && subject.userAlias !== userAlias) throw new ProblemError('forbidden', 'A user sets its own wish alone');
    const appId = subject.kind === 'user' ? subject.appId : appOfKey(subject, 'users');
    return this.users.setDoNotDisturb(appId, userAlias, body.doNotDisturb);
  }

  @Delete('v1/users/:userAlias')
  @HttpCode(204)
  async delete(@From() subject: Subject, @PathParam('userAlias', userAliasSchema) userAlias: UserAlias): Promise<void> {
    const appId = appOfKey(subject, 'users');
    await this.users.delete(appId, userAlias, noteOf(subject, appId, 'user.deleted', userAlias));
  }

  /** For a lost phone, or a token in the wrong hands: whoever signed in with it is put out, and signs in with a new one. */
  @Post('v1/users/:userAlias/revoke')
  @HttpCode(200)
  async revoke(@From() subject: Subject, @PathParam('userAlias', userAliasSchema) userAlias: UserAlias): Promise<UserRevoked> {
    const appId = appOfKey(subject, 'users');
    return this.users.revoke(appId, userAlias, noteOf(subject, appId, 'user.revoked', userAlias));
  }

  @Serves(internal.profiles)
  async profiles(@InquiryOf(internal.profiles) { params, body }: Inquiry<typeof internal.profiles>) {
    return { profiles: await this.users.profiles(params.appId, body.userAliases) };
  }

  @Serves(internal.userSettings)
  async settings(@InquiryOf(internal.userSettings) { params, body }: Inquiry<typeof internal.userSettings>) {
    await this.apps.get(params.appId);
    return { users: await this.users.settings(params.appId, body.userAliases) };
  }

  /** Pages show it: it is of the web, and https unless this is for development. */
  #requirePicture(picture: string | null | undefined): void {
    const message = picture ? faultOfWebAddress(picture, this.#profile) : undefined;
    if (message) throw new ProblemError('invalid_request', `picture: ${message}`, { fields: [{ field: 'picture', message }] });
  }
}
