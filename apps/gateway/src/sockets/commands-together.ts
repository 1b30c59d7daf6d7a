import type { CallFrame, CallReply, Subject } from '@communication-center/contracts';
import { callReplySchema } from '@communication-center/contracts';
import { internal, internalLimits } from '@communication-center/contracts/internal';
import { Spacing } from '@communication-center/event-log';
import { currentTraceparent, inNewTrace, type Patience, ProblemError, untilDecided, withTrace } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { Services } from '../services.js';
import { SocketRouter } from './socket-router.js';

/** What a device did to a call, in its user's name. */
export interface AskedOfCalls {
  subject: Subject & { kind: 'user' | 'ring' };
  frame: CallFrame;
}

interface Waiting extends AskedOfCalls {
  traceparent: string | undefined;
  done: (reply: CallReply) => void;
  failed: (error: unknown) => void;
}

const answerMs = 5000;
/**
 * Above a hundred requests a second they go 10 ms apart, as the groups do in which they are decided: each is work at both ends, and on
 * a machine where so much happens what waits so long for others is told sooner than what goes at once. Ten in a row wait for nothing.
 */
const pace = { everyMs: 10, atOnce: 10 };

const actions = {
  ringing: 'ringing',
  answer: 'answer',
  decline: 'decline',
  ignore: 'ignore',
  join: 'join',
  hang_up: 'hang-up',
  add: 'add',
  ring: 'ring',
  kick: 'kick',
  mute: 'mute',
  allow: 'allow',
  mute_all: 'mute-all',
  lock: 'lock',
  unlock: 'unlock',
  raise_hand: 'raise-hand',
  start_recording: 'start-recording',
  pause_recording: 'pause-recording',
  resume_recording: 'resume-recording',
  stop_recording: 'stop-recording',
  start_broadcast: 'start-broadcast',
  stop_broadcast: 'stop-broadcast',
  lower_hand: 'lower-hand',
  request_upgrade: 'request-upgrade',
  accept_upgrade: 'accept-upgrade',
  refuse_upgrade: 'refuse-upgrade',
  credentials: 'credentials',
} as const;

/**
 * Brings commands of devices to the calls service. What sockets ask in one turn of the event loop, or at its pace, goes in one request, in
 * which each is answered as soon as it is decided: none waits for another. What they bring about is heard in the same answer,
 * before the topic brings it.
 */
@Injectable()
export class CommandsTogether {
  readonly #calls: Services['calls'];
  #waiting: Waiting[] = [];
  readonly #spacing = new Spacing(pace.everyMs, pace.atOnce);

  constructor(
    { calls }: Services,
    private readonly router: SocketRouter,
  ) {
    this.#calls = calls;
  }

  /**
   * Has a command carried out, and tried again while nobody decides on it: so it needs an id wherever a repeat would be another act.
   * @throws ProblemError as it was refused, or `service_unavailable`.
   */
  async carryOut(asked: AskedOfCalls, patience: Patience): Promise<CallReply> {
    return untilDecided(() => this.#once(asked), patience);
  }

  #once(asked: AskedOfCalls): Promise<CallReply> {
    return new Promise((done, failed) => {
      if (this.#waiting.length === 0) this.#sendSoon();
      this.#waiting.push({ ...asked, traceparent: currentTraceparent(), done, failed });
    });
  }

  #sendSoon(): void {
    const dueInMs = this.#spacing.dueInMs();
    if (dueInMs > 0) setTimeout(() => this.#send(), dueInMs);
    else setImmediate(() => this.#send());
  }

  #send(): void {
    this.#spacing.begun();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; from += internalLimits.commandsAtOnce) {
      const group = waiting.slice(from, from + internalLimits.commandsAtOnce);
      void inNewTrace(() => this.#together(group));
    }
  }

  async #together(group: readonly Waiting[]): Promise<void> {
    const left = new Map(group.entries());
    const commands = group.map(({ subject, frame, traceparent }) => ({ subject, frame, ...(traceparent && { traceparent }) }));
    let fault: unknown = new ProblemError('service_unavailable', undefined, { cause: new Error('It was left out of the answer') });
    try {
      await this.#calls.askForLines(internal.carryOut, { body: { commands, hears: true } }, (line) => this.#settle(left, line), {
        timeoutMs: answerMs,
      });
    } catch (error) {
      fault = error;
    }
    // Where the whole was refused, as by a release that does not know the question or by what one of them holds, each is asked alone.
    const isRefused = fault instanceof ProblemError && !fault.isUndecided && left.size === group.length;
    for (const one of left.values()) {
      if (isRefused) void this.#alone(one);
      else one.failed(fault);
    }
  }

  #settle(left: Map<number, Waiting>, line: z.output<typeof internal.carryOut.answer>): void {
    if ('events' in line) return this.router.hear(line.events);
    const one = left.get(line.index);
    left.delete(line.index);
    if ('reply' in line) one?.done(line.reply);
    else one?.failed(this.#calls.told(line.problem));
  }

  async #alone({ subject, frame, traceparent, done, failed }: Waiting): Promise<void> {
    const { id: _, type, ...body } = frame;
    const path = 'callId' in body ? `/v1/calls/${body.callId}/${actions[type as keyof typeof actions]}` : '/v1/calls';
    const ask = () => this.#calls.send({ method: 'POST', path, body, subject, timeoutMs: answerMs });
    try {
      done(callReplySchema.parse(await (traceparent ? withTrace(traceparent, ask) : ask())));
    } catch (error) {
      failed(error);
    }
  }
}
