/** Since when this process is on the clock of the machine, to a fraction of a millisecond: `Date.now` tells whole ones. */
let offset = 0;

/** Reads the machine's clock anew: it may have been set, and the other one drifts. */
export function setClock() {
  const before = Date.now();
  let after = before;
  while (after === before) after = Date.now();
  offset = after - performance.now();
}

/** @returns the machine's time, in milliseconds since 1970. */
const wallClock = () => performance.now() + offset;

const causes = { dialing: 'call.dialed', ringing: 'call.dialed', connected: 'call.answered' };

/**
 * How long after the event that caused it a change of presence reaches who watches the user: from the event's `time`, which the
 * database's clock gave it, on the same machine.
 */
export class PresenceTimes {
  /** When the events of each call happened, by type. */
  #calls = new Map();
  /** The call and its state in which each user was last seen. */
  #seen = new Map();
  #arrived = [];

  happened(event) {
    const times = this.#calls.get(event.callid) ?? {};
    times[event.type] = Date.parse(event.time);
    this.#calls.set(event.callid, times);
  }

  arrived(appId, presence) {
    const now = wallClock();
    const user = `${appId}/${presence.userAlias}`;
    const call = presence.calls[0];
    const before = this.#seen.get(user);
    if (call?.callId === before?.callId && call?.state === before?.state) return;
    this.#seen.set(user, call);
    if (call) this.#arrived.push({ now, callId: call.callId, cause: causes[call.state] });
    else if (before) this.#arrived.push({ now, callId: before.callId, cause: 'call.ended' });
  }

  /** @returns how long each took since the last time it was asked, in milliseconds. */
  take() {
    const taken = this.#arrived
      .map(({ now, callId, cause }) => now - this.#calls.get(callId)?.[cause])
      .filter((time) => !Number.isNaN(time));
    this.#arrived = [];
    this.#calls.clear();
    return taken;
  }
}
