import { type Stream, sendingSchema, streamSchema } from '@communication-center/contracts';
import type { FeedSection, Publisher } from 'janode/plugins/videoroom';
import { z } from 'zod';
import type { LetIn } from './stream-room.js';

/** How Janus is told of the sections of a feed that carry a screen. */
export const ofScreen = 'screen';

/** A stream, and what of a feed carries it. */
export interface CarriedStream {
  stream: Stream;
  sections: readonly FeedSection[];
  /** When its pictures were let in; undefined where the door that did so is of an earlier release. */
  letInAt?: number | undefined;
}

const screenSchema = z.object({ screen: sendingSchema });
const time = z.number().optional().catch(undefined);
const letInSchema = z.object({ letIn: z.object({ camera: time, screen: time }) });

/**
 * @returns the streams of a feed, as its display text describes them: the camera with the microphone; and the screen, while one is
 * shared. Each has one section of sound and one of picture at most, whatever else is published.
 */
export function streamsOf({ feed, display, streams = [] }: Publisher): CarriedStream[] {
  const told = described(display);
  const camera = streamSchema.safeParse({ ...told, streamId: feed });
  // Only this service names feeds; whoever else gets into a room is nobody here.
  if (!camera.success) return [];
  const letIn: LetIn = letInSchema.safeParse(told).data?.letIn ?? {};
  const carried = (stream: Stream, isCarried: (description: string | undefined) => boolean): CarriedStream => {
    const sections = streams.filter(({ disabled, description }) => !disabled && isCarried(description));
    const first = ['audio', 'video'].flatMap((type) => sections.find((section) => section.type === type) ?? []);
    return { stream, sections: first.map(({ mid }) => ({ feed, mid })), letInAt: letIn[stream.kind] };
  };
  const ofCamera = carried(camera.data, (description) => description !== ofScreen);
  const screen = screenSchema.safeParse(told);
  if (!screen.success) return [ofCamera];
  const { userAlias, deviceId, quiet } = camera.data;
  const stream: Stream = { streamId: `${feed}/screen`, userAlias, deviceId, kind: 'screen', sending: screen.data.screen, quiet };
  const shared = carried(stream, (description) => description === ofScreen);
  // It is told before its sections are there.
  return shared.sections.length > 0 ? [ofCamera, shared] : [ofCamera];
}

function described(display: string | undefined): object {
  try {
    return display ? (JSON.parse(display) as object) : {};
  } catch {
    return {};
  }
}
