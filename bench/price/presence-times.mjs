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

/** When a change of presence that a call brought about reached who watches the user. */
export class PresenceTimes {
  /** The call and its state in which each user was last seen. */
  #seen = new Map();
  #arrived = [];

  arrived(appId, presence) {
    const at = wallClock();
    const user = `${appId}/${presence.userAlias}`;
    const call = presence.calls[0];
    const before = this.#seen.get(user);
    if (call?.callId === before?.callId && call?.state === before?.state) return;
    this.#seen.set(user, call);
    if (call) this.#arrived.push({ at, callId: call.callId, cause: causes[call.state] });
    else if (before) this.#arrived.push({ at, callId: before.callId, cause: 'call.ended' });
  }

  /** @returns those since the last time it was asked, each with the event that caused it, in milliseconds of the machine's clock. */
  take() {
    return this.#arrived.splice(0);
  }
}
