import {
  arrange,
  type Call,
  type CommunicationCenter,
  type Reach,
  type ToldParticipant,
  type ToldPresence,
} from '@communication-center/client';
import { useEffect, useReducer, useRef, useState } from 'react';
import { CallStateText, partnersOf } from '../calls/call-state-text.js';
import type { Phone } from '../calls/use-phone.js';
import { useSending } from '../calls/use-sending.js';
import { Quality } from '../quality/quality.js';
import { partText } from '../words/call-sentences.js';
import { listed } from '../words/lists.js';
import { ControlBar, type SheetName } from './control-bar.js';
import { DeviceTroubles } from './device-trouble.js';
import { DevicesSheet } from './devices-sheet.js';
import { PeopleSheet } from './people-sheet.js';
import { Sheet } from './sheet.js';
import { Tile } from './tile.js';
import { Timeline } from './timeline.js';
import { UpgradeWish } from './upgrade-wish.js';
import { useWatching } from './use-watching.js';

interface Props {
  center: CommunicationCenter;
  call: Call;
  phone: Phone;
  everybody: readonly ToldPresence[];
  nameOf: (userAlias: string) => string;
  /** Another part of the page is looked at: sound goes on. */
  isHidden: boolean;
}

/** The call this device is in: the others as large as can be, oneself small, and what one can do always at hand. */
export function Stage({ center, call, phone, everybody, nameOf, isHidden }: Props) {
  const [sheet, setSheet] = useState<SheetName>();
  const sending = useSending(call);
  useStreamsOf(call);
  const scene = useRef<HTMLDivElement>(null);
  useWatching(call, scene);
  const open = (name: SheetName) => setSheet(sheet === name ? undefined : name);
  const there = call.others.filter(({ state }) => state !== 'gone');
  const screens = call.streams.filter(({ kind }) => kind === 'screen');
  const shown = useArranged(call, there, screens.length > 0 ? 2 : placesInView());
  return (
    <section className="stage" aria-label="Current call" hidden={isHidden} data-focus-home tabIndex={-1}>
      <header className="row between">
        <h1 className="wrap">{listed(partnersOf(call).map(nameOf))}</h1>
        <CallStateText call={call} />
      </header>
      <UpgradeWish call={call} phone={phone} nameOf={nameOf} />
      <div ref={scene} className={`scene${screens.length > 0 ? ' sharing' : ''}`}>
        {screens.length > 0 && (
          <section className="screens" aria-label="Shared screens">
            {screens.map(({ streamId, userAlias, mediaStream }) => (
              <Tile key={streamId} streamId={streamId} isScreen stream={mediaStream} name={`The screen of ${nameOf(userAlias)}`} />
            ))}
          </section>
        )}
        {/* Many people are scrolled through. */}
        <section
          className={`tiles of-${Math.min(shown.length, 9)}`}
          aria-label="The others"
          tabIndex={shown.length > (screens.length > 0 ? 1 : 4) ? 0 : undefined}
        >
          {shown.flatMap((other) => tilesOf(call, other, nameOf))}
        </section>
        <Tile own name="You" stream={call.localStream} isMuted={sending.audio.state !== 'on'} sendsPicture={sending.video.state === 'on'} />
      </div>
      <div role="status">
        {call.recording && (
          <p className={`notice plain recorded${call.recording.paused ? ' paused' : ''}`}>
            {call.recording.paused ? 'The recording of this call is paused.' : 'This call is being recorded.'}
          </p>
        )}
      </div>
      <div role="status">{call.broadcast && <p className="notice plain">This call is being broadcast to people who are not in it.</p>}</div>
      <div role="status">{call.screen && <p className="notice plain">The others see your screen.</p>}</div>
      <DeviceTroubles sending={sending} nameOf={nameOf} />
      <ControlBar {...{ call, phone, sending, sheet }} onSheet={open} />
      {sheet === 'people' && (
        <Sheet title="People" onClose={() => setSheet(undefined)}>
          <PeopleSheet {...{ center, call, phone, everybody, nameOf }} />
        </Sheet>
      )}
      {sheet === 'devices' && (
        <Sheet title="Microphone and camera" onClose={() => setSheet(undefined)}>
          <DevicesSheet center={center} call={call} sending={sending} />
        </Sheet>
      )}
      {sheet === 'details' && (
        <Sheet title="What happened" onClose={() => setSheet(undefined)}>
          {call.isPlaced && <Timeline center={center} callId={call.callId} sequence={call.state.sequence} />}
          {call.phase === 'connected' && <Quality center={center} callId={call.callId} isLive nameOf={nameOf} />}
        </Sheet>
      )}
    </section>
  );
}

/** So many tiles are seen without scrolling: on the width of a phone, and of a desk. */
const placesInView = () => (matchMedia('(min-width: 48rem)').matches ? 9 : 4);

/** Who speaks is in view, and nobody else is moved. */
function useArranged(call: Call, there: readonly ToldParticipant[], places: number): ToldParticipant[] {
  const before = useRef<readonly string[]>([]);
  const order = arrange({ all: there.map(({ userAlias }) => userAlias), speakers: call.speakers, before: before.current, places });
  useEffect(() => {
    before.current = order;
  });
  return order.flatMap((userAlias) => there.find((one) => one.userAlias === userAlias) ?? []);
}

/** Somebody without a stream yet has a tile as well: it says how far the person is. */
function tilesOf(call: Call, other: ToldParticipant, nameOf: Props['nameOf']) {
  const { userAlias } = other;
  const name = nameOf(userAlias);
  const note = other.state === 'connected' ? reachTexts[call.reachOf(userAlias)] : partText(other);
  const streams = call.streams.filter((stream) => stream.userAlias === userAlias && stream.kind !== 'screen');
  if (streams.length === 0) return [<Tile key={userAlias} stream={undefined} name={name} note={note} />];
  return streams.map(({ streamId, mediaStream, sending, isSpeaking }) => (
    <Tile
      key={streamId}
      streamId={streamId}
      stream={mediaStream}
      name={name}
      isHeard={isSpeaking}
      note={note ?? (sending?.video === 'none' && call.callType === 'audio_video' ? 'has no camera' : undefined)}
      isMuted={sending !== undefined && sending.audio !== 'on'}
      // What an older client sends, its tracks tell.
      sendsPicture={sending === undefined || sending.video === 'on'}
    />
  ));
}

const reachTexts: Record<Reach, string | undefined> = {
  here: undefined,
  joining: 'is joining',
  reconnecting: 'Reconnecting…',
  away: 'left, may come back',
};

/** Draws anew whenever a stream comes, goes or is another, somebody is reached otherwise, or the call is recorded or not. */
function useStreamsOf(call: Call): void {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const ofStreams = [
      'localStream',
      'streamAdded',
      'streamRemoved',
      'streamChanged',
      'screenChanged',
      'linkChanged',
      'speakersChanged',
    ] as const;
    const ofRecording = ['recordingStarted', 'recordingPaused', 'recordingResumed', 'recordingStopped'] as const;
    const events = [...ofStreams, ...ofRecording, 'broadcastStarted', 'broadcastStopped'] as const;
    const offs = events.map((event) => call.on(event, redraw));
    return () => {
      for (const off of offs) off();
    };
  }, [call]);
}
