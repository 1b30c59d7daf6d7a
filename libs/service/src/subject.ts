import { type AppId, allScopesOf, type KeyScope, type Subject } from '@communication-center/contracts';
import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Identity } from './identity.js';
import { ProblemError } from './problem-error.js';
import { noteInTrace } from './trace.js';

interface RequestWithSubject {
  headers: { authorization?: string };
  params?: { callId?: string };
  subject?: Subject;
}

/** Marks a route that needs no identity token: health and metrics. */
export const OpenToAll = () => SetMetadata('open-to-all', true);

const openToNobody = 'open-to-nobody';
/** Marks a route that requests without a credential may reach; any other refuses them before it looks at what they say. */
export const OpenToNobody = () => SetMetadata(openToNobody, true);

/** @returns whether {@link OpenToNobody} marks a handler, or {@link OpenToAll} its controller or it. */
export function isOpenToNobody(handler: object, controller: object): boolean {
  return [openToNobody, 'open-to-all'].some((mark) => [handler, controller].some((marked) => Reflect.getMetadata(mark, marked) === true));
}

/** Gives a route the subject of its request. */
export const From = createParamDecorator(
  (_: unknown, context: ExecutionContext): Subject => subjectOf(context.switchToHttp().getRequest<RequestWithSubject>()),
);

/** @returns in whose name a request came. @throws ProblemError `unauthenticated` for one that the guard did not see. */
export function subjectOf(request: RequestWithSubject): Subject {
  if (!request.subject) throw new ProblemError('unauthenticated');
  return request.subject;
}

/** Lets in only requests that carry a valid identity token. */
@Injectable()
export class IdentityGuard implements CanActivate {
  constructor(
    private readonly identity: Identity,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    if (this.reflector.getAllAndOverride<boolean>('open-to-all', [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<RequestWithSubject>();
    const subject = await this.identity.verify(request.headers.authorization);
    request.subject = subject;
    if (subject.kind === 'nobody' && !isOpenToNobody(context.getHandler(), context.getClass())) {
      throw new ProblemError('unauthenticated', 'Send an API key or a user token as Authorization: Bearer …');
    }
    noteInTrace({ ...('appId' in subject && { appId: subject.appId }), ...(request.params?.callId && { callId: request.params.callId }) });
    return true;
  }
}

/**
 * @returns the app a user, or a key with the scope, belongs to.
 * @throws ProblemError `unauthenticated` or `forbidden`.
 */
export function appOf(subject: Subject, scope: KeyScope): AppId {
  if (subject.kind === 'user') return subject.appId;
  return appOfKey(subject, scope);
}

/** As {@link appOf}, for routes that are for servers alone. */
export function appOfKey(subject: Subject, scope: KeyScope): AppId {
  if (subject.kind === 'ring') throw new ProblemError('forbidden', 'A ring token is for its ring, and the call that comes of it, alone');
  if (subject.kind === 'nobody') throw new ProblemError('unauthenticated', 'Send an API key as Authorization: Bearer …');
  if (subject.kind !== 'key') throw new ProblemError('forbidden', 'This needs an API key');
  const scopes = allScopesOf(subject);
  if (!scopes.includes(scope) && !scopes.includes('admin')) {
    throw new ProblemError('forbidden', `This key lacks the scope ${scope}`);
  }
  return subject.appId;
}

/** @throws ProblemError `forbidden` unless one of these services asks. */
export function requireService(subject: Subject, callers: readonly string[]): void {
  if (subject.kind !== 'service') throw new ProblemError('forbidden', 'This is for services of the Center');
  if (!callers.includes(subject.service))
    throw new ProblemError(
      'forbidden',
      `This is not for the service ${subject.service}: its entry in services.json does not say that it asks it`,
    );
}

/** @returns by which name what somebody did is put on record. */
export function actorOf(subject: Subject): string {
  switch (subject.kind) {
    case 'key':
      return `key:${subject.keyId}`;
    case 'user':
    case 'ring':
      return `user:${subject.userAlias}`;
    case 'operator':
      return subject.holder === undefined ? 'operator' : `operator:${subject.holder}`;
    case 'service':
    case 'nobody':
      return subject.kind;
    default:
      return subject satisfies never;
  }
}

/** @throws ProblemError `forbidden` unless an operator's key was used. */
export function requireOperator(subject: Subject): void {
  if (subject.kind !== 'operator') throw new ProblemError('forbidden', "This needs the operator's key");
}
