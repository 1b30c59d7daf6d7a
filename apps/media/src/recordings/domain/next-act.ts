/** What the calls service wants of a recording. */
export type Wanted = 'recording' | 'paused' | 'stopped';
/** How it stands with a recording while Janus has a part in it. */
export type ActiveState = 'starting' | 'recording' | 'paused';
/** Where the media of the call are: nowhere as long as nobody has joined them; away while their node is not well. */
export type RoomStanding = 'none' | 'there' | 'away' | 'closed';

/** What is to be done about a recording now. */
export type RecordingAct = 'wait' | 'record' | 'pause' | 'finish';

/** A Janus that is away is waited for so long, in milliseconds, before what it has written is taken as it is. */
const waitForJanusMs = 30_000;

/** Decides what is to be done about a recording. @param stoppedForMs how long ago it came to its end, if it did. */
export function nextAct(wanted: Wanted, room: RoomStanding, stoppedForMs: number): RecordingAct {
  // A closed room records no more, whatever was heard of its call.
  if (room === 'closed') return 'finish';
  if (wanted === 'stopped') return room === 'away' && stoppedForMs < waitForJanusMs ? 'wait' : 'finish';
  if (room !== 'there') return 'wait';
  return wanted === 'paused' ? 'pause' : 'record';
}

/** @returns the state after an act: it counts as recording when somebody sends. */
export function stateAfter(act: Exclude<RecordingAct, 'finish'>, before: ActiveState, isAnybodySending: boolean): ActiveState {
  if (act === 'pause') return 'paused';
  if (act === 'record') return isAnybodySending || before === 'recording' ? 'recording' : before === 'paused' ? 'recording' : 'starting';
  return before;
}
