import { type CallEvent, type CallState, foldCallEvent, participantOf, type UserAlias } from '@communication-center/contracts';
import type { Evidence, Violation } from './evidence.js';

type Rule = (evidence: Evidence) => string[];

const callsOf = (log: readonly CallEvent[]) => [...Map.groupBy(log, (event) => event.callid).values()];
const foldOf = (events: readonly CallEvent[]) => events.reduce<CallState | undefined>(foldCallEvent, undefined) as CallState;

/** States a call went through, each with the event that led to it. */
function statesOf(events: readonly CallEvent[]): { event: CallEvent; state: CallState }[] {
  let state: CallState | undefined;
  return events.map((event) => {
    state = foldCallEvent(state, event);
    return { event, state };
  });
}

interface Stay {
  userAlias: string;
  callId: string;
  from: number;
  to: number;
}

/** When somebody was in a state of a call, by the log's times. */
function staysIn(wanted: 'connected' | 'ringing', log: readonly CallEvent[]): Stay[] {
  return callsOf(log).flatMap((events) => {
    const stays: Stay[] = [];
    const open = new Map<string, Stay>();
    for (const { event, state } of statesOf(events)) {
      for (const participant of state.participants) {
        const { userAlias } = participant;
        const known = open.get(userAlias);
        const at = Date.parse(event.time);
        if (participant.state === wanted && !known) open.set(userAlias, { userAlias, callId: state.callId, from: at, to: Infinity });
        if (participant.state !== wanted && known) {
          stays.push({ ...known, to: at });
          open.delete(userAlias);
        }
      }
    }
    return [...stays, ...open.values()];
  });
}

const rules: Record<string, Rule> = {
  'a call has its events 1, 2, 3 … without a gap': ({ log }) =>
    callsOf(log).flatMap((events) =>
      events.every(({ sequence }, index) => sequence === index + 1) ? [] : [`${events[0]?.callid}: ${events.map((one) => one.sequence)}`],
    ),

  'a call ends exactly once, and nothing follows': ({ log }) =>
    callsOf(log).flatMap((events) => {
      const ends = events.filter(({ type }) => type === 'call.ended').length;
      return ends === 1 && events.at(-1)?.type === 'call.ended' ? [] : [`${events[0]?.callid}: ${events.map(({ type }) => type)}`];
    }),

  'a user is in at most one call at a time': ({ log }) => {
    const byUser = Map.groupBy(staysIn('connected', log), ({ userAlias }) => userAlias);
    return [...byUser].flatMap(([userAlias, stays]) => {
      const sorted = stays.sort((one, other) => one.from - other.from || one.to - other.to);
      return sorted.flatMap((stay, index) => {
        const next = sorted[index + 1];
        return next && next.from < stay.to ? [`${userAlias} in ${stay.callId} and ${next.callId}`] : [];
      });
    });
  },

  'whoever rings or is in a call comes out of it': ({ log }) =>
    callsOf(log).flatMap((events) => {
      const left = foldOf(events).participants.filter(({ state }) => state !== 'gone');
      return left.map(({ userAlias, state }) => `${userAlias} is ${state} in ${events[0]?.callid}`);
    }),

  'a ring ends in time': ({ log, disturbed }) =>
    callsOf(log).flatMap((events) =>
      statesOf(events).flatMap(({ event, state }, index, all) => {
        const before = all[index - 1]?.state;
        return state.participants.flatMap((participant) => {
          const rang = before && participantOf(before, participant.userAlias);
          if (rang?.state !== 'ringing' || participant.state === 'ringing') return [];
          const late = Date.parse(event.time) - Date.parse(rang.until);
          return late > allowedLateness(Date.parse(rang.until), disturbed)
            ? [`${participant.userAlias} in ${state.callId}: ${late} ms late`]
            : [];
        });
      }),
    ),

  'the first answer wins: one device answers a ring': ({ log }) =>
    callsOf(log).flatMap((events) =>
      statesOf(events).flatMap(({ event }, index, all) => {
        if (event.type !== 'call.answered') return [];
        const before = all[index - 1]?.state;
        const rang = before && participantOf(before, event.data.userAlias);
        return rang?.state === 'ringing' ? [] : [`${event.data.userAlias} answered ${event.callid} without ringing`];
      }),
    ),

  'the topic carries the store, and n+1 never before n': ({ log, topic }) => {
    const stored = new Set(log.map(({ callid, sequence }) => `${callid} ${sequence}`));
    const seen = new Map<string, number>();
    const faults: string[] = [];
    for (const { callid, sequence } of topic) {
      const last = seen.get(callid) ?? 0;
      if (sequence > last + 1) faults.push(`${callid}: ${sequence} came after ${last}`);
      if (!stored.delete(`${callid} ${sequence}`) && sequence > last) faults.push(`${callid}: ${sequence} is not in the store`);
      seen.set(callid, Math.max(last, sequence));
    }
    return [...faults, ...[...stored].map((missing) => `not published: ${missing}`)];
  },

  'what a device was promised is in the log': ({ log, commands }) =>
    commands.flatMap(({ type, refused, callId, userAlias, deviceId }) => {
      if (refused || !['dial', 'answer', 'join'].includes(type)) return [];
      const came = log.some(
        ({ callid, type: told, data }) =>
          callid === callId &&
          ((told === 'call.dialed' && data.initiator === userAlias && data.initiatorDevice === deviceId) ||
            ((told === 'call.answered' || told === 'call.joined') && data.userAlias === userAlias && data.deviceId === deviceId)),
      );
      return came ? [] : [`${type} of ${callId} by ${userAlias} on ${deviceId}`];
    }),

  'a refusal has a code of the protocol': ({ commands }) =>
    commands.flatMap(({ type, refused, userAlias }) =>
      refused === 'internal_error' || refused === 'unknown' || refused === 'malformed_frame' ? [`${type} by ${userAlias}: ${refused}`] : [],
    ),

  'a device that is connected knows how each of its calls ended': ({ log, devices }) => {
    const states = callsOf(log).map(foldOf);
    return devices
      .filter(({ connected }) => connected)
      .flatMap(({ userAlias, deviceId, calls }) => {
        const known = new Map(calls.map((call) => [call.callId as string, call]));
        return states
          .filter((state) => participantOf(state, userAlias as UserAlias))
          .flatMap((state) => {
            const seen = known.get(state.callId);
            if (seen && canonical(seen) === canonical(state)) return [];
            return [`${deviceId} knows ${state.callId} at ${seen?.sequence ?? 'not at all'}, it is at ${state.sequence}`];
          });
      });
  },

  'no device rings, or is in a call, when all is over': ({ devices }) =>
    devices.flatMap(({ deviceId, stillActive }) => stillActive.map((callId) => `${deviceId}: ${callId}`)),

  'a device shows a ring once, and only one that the log knows': ({ log, devices }) => {
    const rung = new Set(
      callsOf(log).flatMap((events) =>
        statesOf(events).flatMap(({ state }) =>
          state.participants.flatMap((one) => (one.state === 'ringing' ? [`${one.userAlias} ${state.callId} ${one.since}`] : [])),
        ),
      ),
    );
    return devices.flatMap(({ userAlias, deviceId, rings }) => {
      const shown = rings.map(({ callId, ringId }) => `${userAlias} ${callId} ${ringId}`);
      const doubled = shown.filter((ring, index) => shown.indexOf(ring) !== index).map((ring) => `${deviceId} showed twice: ${ring}`);
      return [...doubled, ...shown.filter((ring) => !rung.has(ring)).map((ring) => `${deviceId} showed a phantom: ${ring}`)];
    });
  },

  'a ring that lasts is shown on every device that is connected meanwhile': ({ log, devices, disturbed }) =>
    staysIn('ringing', log)
      .filter(({ from, to }) => to - from > 2000 && !disturbed.some((one) => one.from < to && one.to > from))
      .flatMap(({ userAlias, callId, from, to }) =>
        devices
          .filter((device) => device.userAlias === userAlias && device.online.some((one) => one.from < from - 500 && one.to > to))
          .filter((device) => !device.rings.some((ring) => ring.callId === callId && Math.abs(Date.parse(ring.ringId) - from) < 5))
          .map(({ deviceId }) => `${deviceId} did not ring for ${callId}`),
      ),

  'every event reaches the webhook under one id, rightly signed': ({ log, webhooks, badSignatures }) => {
    const ids = Map.groupBy(webhooks, ({ callId, sequence }) => `${callId} ${sequence}`);
    const missing = log
      .filter(({ callid, sequence }) => !ids.has(`${callid} ${sequence}`))
      .map((one) => `${one.type} ${one.callid} was not told`);
    const doubled = [...ids].filter(([, told]) => new Set(told.map(({ id }) => id)).size > 1).map(([what]) => `${what} has several ids`);
    const meanings = Map.groupBy(webhooks, ({ id }) => id);
    const reused = [...meanings]
      .filter(([, told]) => new Set(told.map((one) => `${one.callId} ${one.sequence}`)).size > 1)
      .map(([id]) => `${id} was reused`);
    const stored = new Set(log.map(({ callid, sequence }) => `${callid} ${sequence}`));
    const invented = [...ids.keys()].filter((what) => !stored.has(what)).map((what) => `${what} is not in the log`);
    return [...missing, ...doubled, ...reused, ...invented, ...(badSignatures ? [`${badSignatures} bad signatures`] : [])];
  },

  'occupancies, rings and deadlines equal the fold of the log': ({ log, lines, ringRows, deadlineRows }) => {
    const inState = (state: string) =>
      new Set(
        callsOf(log).flatMap((events) => {
          const call = foldOf(events);
          return call.participants.filter((one) => one.state === state).map(({ userAlias }) => `${userAlias} in ${call.callId}`);
        }),
      );
    const differ = (what: string, rows: Evidence['lines'], folded: Set<string>) => {
      const held = new Set(rows.map(({ userAlias, callId }) => `${userAlias} in ${callId}`));
      return [...held.symmetricDifference(folded)].map((one) => `${what}: ${one}`);
    };
    const open = new Set(callsOf(log).flatMap((events) => (events.at(-1)?.type === 'call.ended' ? [] : [events[0]?.callid as string])));
    return [
      ...differ('occupancy', lines, inState('connected')),
      ...differ('ring', ringRows, inState('ringing')),
      ...deadlineRows.filter(({ callId }) => !open.has(callId)).map(({ callId, kind }) => `deadline ${kind} of ${callId}, which is over`),
      ...[...open].filter((callId) => !deadlineRows.some((row) => row.callId === callId)).map((callId) => `${callId} has no deadline`),
    ];
  },

  'the history equals the fold of the log': ({ log, history }) => {
    const rows = new Map(history.map((call) => [call.callId as string, canonical(call)]));
    return callsOf(log).flatMap((events) => {
      const call = foldOf(events);
      return rows.get(call.callId) === canonical(call) ? [] : [call.callId];
    });
  },

  'nobody is busy when all is over': ({ busyByPresence }) => busyByPresence,
};

/** JSON whose keys are in one order, whoever wrote it. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

/** How late a deadline may be: a quarter of a second, or what an outage around it and its grace took. */
function allowedLateness(due: number, disturbed: Evidence['disturbed']): number {
  const around = disturbed.filter(({ from, to }) => from < due + 10_000 && to > due - 10_000);
  return around.length === 0 ? 1000 : 20_000 + Math.max(...around.map(({ from, to }) => to - from));
}

/** Judges a run by what it left behind. @returns every rule that did not hold, with the first few proofs of it. */
export function judge(evidence: Evidence): Violation[] {
  return Object.entries(rules).flatMap(([rule, check]) => {
    const faults = check(evidence);
    return faults.length > 0 ? [{ rule, detail: `${faults.length}: ${faults.slice(0, 5).join('; ')}` }] : [];
  });
}
