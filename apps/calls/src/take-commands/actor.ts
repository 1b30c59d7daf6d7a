import type { AppId, CallId, CommandId, DeviceId, HeldToken, RingSubject, Subject, UserAlias } from '@communication-center/contracts';
import { appOf, ProblemError } from '@communication-center/service';
import type { CommandKey } from '../decide-in-groups/command-memory.js';

/** Who acts on a call: always a user of an app, maybe with a device, maybe through an API key. */
export interface Actor {
  appId: AppId;
  userAlias: UserAlias;
  deviceId: DeviceId | null;
  /** By which the user is signed in; left out where a server acts. */
  token?: HeldToken | undefined;
  /** Names this act of theirs, where it was given an id. */
  key: Omit<CommandKey, 'fingerprint'> | undefined;
}

interface ActorFields {
  commandId?: CommandId | undefined;
  userAlias?: UserAlias | undefined;
  deviceId?: DeviceId | undefined;
}

/** As an actor, or a server that acts in its own name: then without a user. */
type ServerOrActor = Omit<Actor, 'userAlias'> & { userAlias: UserAlias | null };

/**
 * @returns who acts, from the subject and what the body adds.
 * @param ofRing the call, where the act is one of those that a ring token is for: on the token's own call alone.
 * @throws ProblemError `forbidden` when a user would act for another, `invalid_request` when a key names no user.
 */
export function actorOf(subject: Subject, body: ActorFields, ofRing?: CallId): Actor {
  if (subject.kind === 'ring' && ofRing !== undefined) return ringingActor(subject, body, ofRing);
  const { userAlias, ...actor } = serverOrActorOf(subject, body);
  if (!userAlias) throw missing('userAlias', 'name the user for whom the key acts');
  return { ...actor, userAlias };
}

/** @throws ProblemError `forbidden` for another call than the token is for, another user, or another device. */
function ringingActor(subject: RingSubject, { commandId, userAlias: named, deviceId: onDevice }: ActorFields, callId: CallId): Actor {
  const { appId, userAlias, deviceId, token } = subject;
  const isOwn = callId === subject.callId && (named ?? userAlias) === userAlias && (onDevice ?? deviceId) === deviceId;
  if (!isOwn) throw new ProblemError('forbidden', 'A ring token is for one call, one user and one device');
  return { appId, userAlias, deviceId, token, key: commandId && { actor: `user:${userAlias}`, commandId } };
}

/** As {@link actorOf}, where a key need not name a user. @throws ProblemError `forbidden` when a user would act for another. */
export function serverOrActorOf(subject: Subject, body: ActorFields): ServerOrActor {
  const appId = appOf(subject, 'calls');
  const isUser = subject.kind === 'user';
  if (isUser && body.userAlias && body.userAlias !== subject.userAlias) {
    throw new ProblemError('forbidden', 'userAlias: a user acts for itself alone; leave it out or use an API key');
  }
  const userAlias = isUser ? subject.userAlias : (body.userAlias ?? null);
  const deviceId = (isUser ? subject.deviceId : undefined) ?? body.deviceId ?? null;
  const by = subject.kind === 'key' ? `key:${subject.keyId}` : `user:${userAlias}`;
  return {
    appId,
    userAlias,
    deviceId,
    ...(isUser && subject.token && { token: subject.token }),
    key: body.commandId && { actor: by, commandId: body.commandId },
  };
}

/** @throws ProblemError `invalid_request` when no device is named. */
export function deviceOf(actor: Actor): DeviceId {
  if (!actor.deviceId) throw missing('deviceId', 'name the device that does it');
  return actor.deviceId;
}

function missing(field: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}
