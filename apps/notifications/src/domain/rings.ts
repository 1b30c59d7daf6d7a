import {
  type AppId,
  type CallEvent,
  type CallId,
  type CallType,
  type DeviceId,
  type EndReason,
  foldParticipant,
  type Participant,
  ringEndOn,
  type UserAlias,
} from '@communication-center/contracts';

/** Somebody is being called. */
export interface Ring {
  callId: CallId;
  /** Of the event that began it: somebody may be rung again in the same call. */
  sequence: number;
  appId: AppId;
  userAlias: UserAlias;
  caller: UserAlias;
  callType: CallType;
  waiting: boolean;
  /** In ISO 8601. */
  began: string;
  /** When it ends by itself, in ISO 8601. */
  deadline: string;
  traceparent: string | null;
  /** The devices that are to be rung though they have a socket open; where left out, those that have none. */
  silent?: DeviceId[] | undefined;
}

/** A ring is over for somebody, whichever ring of the call that was. */
export interface RingEnd {
  callId: CallId;
  sequence: number;
  appId: AppId;
  userAlias: UserAlias;
  /** The user's part in the call after it. */
  part: Participant;
}

/**
 * @returns who is to be rung because of an event: nobody who is refused, and of a call that a server dialed its initiator as well.
 * By the same fold as devices and histories, so that no two of them disagree.
 */
export function ringsOf(event: CallEvent): Ring[] {
  if (event.type === 'call.dialed') {
    const { initiator, callees, callType } = event.data;
    return [initiator, ...callees].flatMap((userAlias) => ringOf(event, userAlias, initiator, callType));
  }
  if (event.type !== 'call.participant_invited') return [];
  const { userAlias, invitedBy, initiator, callType } = event.data;
  return ringOf(event, userAlias, invitedBy ?? initiator, callType);
}

function ringOf(event: CallEvent, userAlias: UserAlias, caller: UserAlias, callType: CallType): Ring[] {
  const part = foldParticipant(undefined, event, userAlias);
  if (part?.state !== 'ringing') return [];
  return [
    {
      callId: event.callid,
      sequence: event.sequence,
      appId: event.appid,
      userAlias,
      caller,
      callType,
      waiting: part.waiting ?? false,
      began: event.time,
      deadline: part.until,
      traceparent: event.traceparent ?? null,
    },
  ];
}

/** @returns for whom an event ends a ring, if there is one: of others it is never asked. */
export function ringEndsOf(event: CallEvent): RingEnd[] {
  if (event.type === 'call.dialed' || event.type === 'call.participant_invited') return [];
  return event.data.audience.flatMap((userAlias) => {
    const part = foldParticipant(rung(userAlias, event.time), event, userAlias);
    if (!part || part.state === 'ringing') return [];
    return [{ callId: event.callid, sequence: event.sequence, appId: event.appid, userAlias, part }];
  });
}

/** The part of somebody who is being rung: what else is known of it decides nothing about its end. */
const rung = (userAlias: UserAlias, at: string): Participant => ({
  state: 'ringing',
  userAlias,
  since: at,
  until: at,
  confirmed: false,
});

/** @returns why the ring is over, as one of the user's devices is told it; undefined for the device that acted itself. */
export function endReasonOn(deviceId: DeviceId, { part }: RingEnd): EndReason | undefined {
  return ringEndOn(deviceId, rung(part.userAlias, ''), part)?.reason;
}
