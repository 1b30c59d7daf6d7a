import {
  type CallType,
  type ClientFrameInput,
  type CommandId,
  type CustomData,
  type UserAlias,
  userAliasSchema,
} from '@communication-center/contracts';
import { Call } from './call.js';
import type { CallOffice } from './call-office.js';
import { CenterError } from './center-error.js';
import type { Wishes } from './local-media.js';
import { partOf, type ToldCall, type ToldReply } from './told-call.js';

export interface DialOptions {
  callType?: CallType;
  /** 5 to 120. */
  ringSeconds?: number;
  /** At most 4 KiB as JSON; never personal data. */
  customData?: CustomData;
  /** Whether it is recorded from the first answer; refused as `forbidden` where the app lets servers alone record. */
  record?: boolean;
  /** Takes the dial back while it has no reply; a call that it made all the same is hung up. */
  signal?: AbortSignal;
  /** What is sent from the first moment on; what is left out as the client was told at `connect`. */
  sending?: Partial<Wishes>;
}

type DialFrame = Omit<ClientFrameInput & { type: 'dial' }, 'id'>;

/** How dials get to the Center. */
export interface DialDesk {
  dial(frame: DialFrame, givenUp: AbortSignal): Promise<ToldReply>;
  cancel(commandId: CommandId): void;
  /** Puts a dial among the calls that the app is shown. */
  show(call: Call): void;
  /** Gives a call to the dial that made it. @returns the Call that goes on with it. */
  place(call: Call, reply: ToldReply): Call;
  /** Files a dial that was refused: with the call that it made all the same, or not any more. */
  fileRefused(call: Call): void;
}

interface Dial {
  call: Call;
  callees: ReadonlySet<string>;
  callType: string | undefined;
  /** Whether the app has its Call already, rather than a promise of one. */
  isShown: boolean;
  /** Undefined while it has no reply. */
  forgetAt: number | undefined;
}

/** Longer than a call rings. */
const rememberMs = 180_000;
/** After these it may have made a call. */
const inDoubt = new Set<string>(['dial_cancelled', 'service_unavailable', 'internal_error']);

/**
 * The dials of this device, each with the Call that the app has of it. Whatever tells first of what a dial has come to, its reply,
 * an event or a snapshot, is given to that Call; of one that was taken back or had no answer, for as long as it may show itself.
 */
export class Dials {
  #dials: Dial[] = [];

  constructor(
    private readonly office: CallOffice,
    private readonly desk: DialDesk,
  ) {}

  /** Dials in the sight of the app. @returns the Call at once: of the same people, while they are dialed, the same. */
  begin(callees: readonly string[], options: DialOptions): Call {
    const same = this.#dials.find(
      ({ call, callType, isShown, ...dial }) =>
        isShown && call.phase === 'dialing' && callType === options.callType && isSame(dial, callees),
    );
    if (same) return same.call;
    const { call, placed } = this.#dial(callees, options, true);
    placed.catch(() => undefined);
    return call;
  }

  /** Dials unseen. @returns the Call once it is placed. @throws CenterError what the Center, or this device, has against it. */
  async placed(callees: readonly string[], options: DialOptions): Promise<Call> {
    return this.#dial(callees, options, false).placed;
  }

  /** @returns the Call of the dial that made a call of which the Center tells, where one did. */
  made(state: ToldCall, known: Call | undefined): Call | undefined {
    const me = partOf(state, this.office.userAlias);
    if (me?.state !== 'connected' || me.deviceId !== this.office.deviceId) return undefined;
    this.#forgetOld();
    const others = state.participants.flatMap(({ userAlias }) => (userAlias === me.userAlias ? [] : [userAlias]));
    const isOwn = state.initiator === me.userAlias;
    if (isOwn ? known : known?.phase !== 'ringing') return undefined;
    const may = this.#dials.filter(({ call, callees, isShown }) => {
      if (call.isPlaced || (state.sequence === 1 && others.length !== callees.size)) return false;
      // Two who dial each other: the ring that this device knows has become the call of the dial.
      if (!isOwn && !(isShown && !call.end && callees.size === 1)) return false;
      return [...callees].every((callee) => others.some((userAlias) => userAlias === callee));
    });
    // Of one that was taken back and one that was not, the call is that of the one somebody waits for.
    return (may.find(({ call }) => !call.end) ?? may[0])?.call;
  }

  #dial(callees: readonly string[], options: DialOptions, isShown: boolean): { call: Call; placed: Promise<Call> } {
    const { signal, sending, ...terms } = options;
    const commandId = globalThis.crypto.randomUUID() as string as CommandId;
    const giving = new AbortController();
    const cancel = () => {
      giving.abort();
      this.desk.cancel(commandId);
    };
    const call = new Call(this.office, provisional(this.office, callees, options), cancel);
    if (sending) call.wish(sending);
    const dial: Dial = { call, callees: new Set(callees), callType: options.callType, isShown, forgetAt: undefined };
    if (isShown) this.desk.show(call);
    const wrong = faultIn(callees, this.office.userAlias) ?? (signal?.aborted ? takenBack() : undefined);
    if (wrong) {
      this.#refuse(call, wrong);
      return { call, placed: Promise.reject(wrong) };
    }
    const takeBack = () => {
      giving.abort();
      call.hangUp().catch(() => undefined);
    };
    signal?.addEventListener('abort', takeBack, { once: true });
    this.#forgetOld();
    this.#dials.push(dial);
    const asked = this.desk.dial({ type: 'dial', commandId, callees: callees as UserAlias[], ...terms }, giving.signal);
    const placed = asked
      .then((reply) => this.desk.place(call, reply))
      .catch((error: unknown) => {
        const refusal = error instanceof CenterError ? error : new CenterError('internal_error', String(error));
        if (!inDoubt.has(refusal.code)) this.#dials = this.#dials.filter((one) => one !== dial);
        // Nobody waits any more for what it may have made.
        else if (!giving.signal.aborted && !call.isPlaced) this.desk.cancel(commandId);
        if (!call.isPlaced) this.#refuse(call, refusal);
        throw error;
      })
      .finally(() => {
        dial.forgetAt = Date.now() + rememberMs;
        signal?.removeEventListener('abort', takeBack);
      });
    return { call, placed };
  }

  #refuse(call: Call, refusal: CenterError): void {
    call.refuse(refusal);
    this.desk.fileRefused(call);
  }

  #forgetOld(): void {
    const now = Date.now();
    this.#dials = this.#dials.filter(({ call, forgetAt = now + 1 }) => forgetAt > now && (!call.isPlaced || call.phase === 'dialing'));
  }
}

function isSame({ callees }: Pick<Dial, 'callees'>, others: readonly string[]): boolean {
  return callees.size === new Set(others).size && others.every((callee) => callees.has(callee));
}

function takenBack(): CenterError {
  return new CenterError('dial_cancelled', 'It was taken back');
}

/** @returns what can be said against a dial without the Center. */
function faultIn(callees: readonly string[], userAlias: string): CenterError | undefined {
  if (callees.length === 0) return new CenterError('nobody_called', 'Nobody is named to be called');
  const self = callees.filter((callee) => callee === userAlias);
  if (self.length > 0) return new CenterError('calling_oneself', 'Nobody can call themselves', { userAliases: self });
  const wrong = callees.map((callee) => ({ callee, message: userAliasSchema.safeParse(callee).error?.issues[0]?.message }));
  const fields = wrong.flatMap(({ message }, index) => (message ? [{ field: `callees.${index}`, message }] : []));
  if (fields.length === 0) return undefined;
  const userAliases = wrong.flatMap(({ callee, message }) => (message ? [callee] : []));
  return new CenterError('invalid_alias', fields.map(({ message }) => message).join('; '), { fields, userAliases });
}

/** @returns the call as it will be if all goes well: with a sequence below any of the Center's, whatever that tells is newer. */
function provisional(
  { userAlias, deviceId }: CallOffice,
  callees: readonly string[],
  { callType, ringSeconds = 60, customData }: DialOptions,
): ToldCall {
  const now = Date.now();
  const since = new Date(now).toISOString();
  const until = new Date(now + ringSeconds * 1000).toISOString();
  const callee = (alias: string) => ({ state: 'ringing' as const, userAlias: alias as UserAlias, since, until, confirmed: false });
  return {
    status: 'ringing',
    callId: globalThis.crypto.randomUUID() as ToldCall['callId'],
    sequence: 0,
    callType: callType ?? 'audio_video',
    initiator: userAlias,
    participants: [{ state: 'connected', userAlias, since, deviceId }, ...callees.map(callee)],
    manyToMany: callees.length > 1,
    dialedAt: since,
    maxParticipants: callees.length + 1,
    maxDurationSeconds: 0,
    ringSeconds,
    ...(customData && { customData }),
  };
}
