import { useEffect, useRef, useState } from 'react';
import { IconMicrophoneOff } from '../icons.js';
import { Avatar } from '../parts/avatar.js';
import { useSpeaking } from './use-speaking.js';

interface Props {
  stream: MediaStream | undefined;
  /** Which stream of the call it is, of somebody else. */
  streamId?: string;
  name: string;
  /** What is said beside the name: that somebody rings, or is away. */
  note?: string | undefined;
  /** Oneself: small, mirrored, and not heard. */
  own?: boolean;
  isMuted?: boolean;
  /** Whether a picture is sent at all; without one the avatar stands for it. */
  sendsPicture?: boolean;
  /** The Center hears the person speak: sooner than what is played here tells, and though nothing is played. */
  isHeard?: boolean;
  /** A screen: all of it is shown, and whoever speaks in it is not the person. */
  isScreen?: boolean;
}

/** One person in a call: the picture, or who it would be of; whether the person is muted, or speaks. */
export function Tile({
  stream,
  streamId,
  name,
  note,
  own = false,
  isMuted = false,
  isHeard = false,
  sendsPicture = true,
  isScreen = false,
}: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [hasPicture, setHasPicture] = useState(false);
  const isLoud = useSpeaking(isScreen ? undefined : stream);
  const isSpeaking = (isLoud || isHeard) && !isMuted;
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    setHasPicture(false);
    element.srcObject = stream ?? null;
    // A picture comes, or ends, without the stream's being another.
    const look = () =>
      setHasPicture(element.videoWidth > 0 && Boolean(stream?.getVideoTracks().some(({ readyState }) => readyState === 'live')));
    const events = ['loadeddata', 'resize', 'emptied', 'playing'] as const;
    for (const event of events) element.addEventListener(event, look);
    return () => {
      for (const event of events) element.removeEventListener(event, look);
    };
  }, [stream]);
  const isShown = hasPicture && sendsPicture;
  return (
    <figure className={`tile${own ? ' own' : ''}${isScreen ? ' screen' : ''}${isSpeaking ? ' speaking' : ''}`} data-stream={streamId}>
      <video ref={video} aria-label={name} autoPlay playsInline muted={own} className={isShown ? '' : 'no-picture'} />
      {!isShown && !isScreen && <Avatar name={name} size={own ? 'small' : 'large'} />}
      <figcaption>
        {isMuted && (
          <>
            <IconMicrophoneOff size={14} />
            <span className="unseen">muted: </span>
          </>
        )}
        <span className="wrap">{name}</span>
        {note && <span className="note"> {note}</span>}
        {isSpeaking && <span className="unseen"> speaks</span>}
      </figcaption>
    </figure>
  );
}
