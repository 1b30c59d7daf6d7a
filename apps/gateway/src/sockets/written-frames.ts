import type { CallEvent, PartEnd, ServerFrame } from '@communication-center/contracts';

/** @returns a frame as it goes out: the same bytes for all who hear it. */
export function written(frame: ServerFrame): Buffer {
  return Buffer.from(JSON.stringify(frame));
}

/** The frames of an event, by why it ended the ring of who hears it: as long as the event is at hand. */
const ofEvents = new WeakMap<CallEvent, { json: string; frames: Map<string, Buffer> }>();

/**
 * @param ringEnded why the event ended the ring on the device that hears it; undefined when it did not.
 * @returns the frame that tells of an event, which is written once for all devices that hear the same.
 */
export function writtenEvent(event: CallEvent, ringEnded: PartEnd | undefined): Buffer {
  const known = ofEvents.get(event) ?? { json: JSON.stringify(event), frames: new Map<string, Buffer>() };
  ofEvents.set(event, known);
  const end = ringEnded === undefined ? '' : `,"ringEnded":${JSON.stringify(ringEnded)}`;
  const frame = known.frames.get(end) ?? Buffer.from(`{"type":"event","event":${known.json}${end}}`);
  known.frames.set(end, frame);
  return frame;
}
