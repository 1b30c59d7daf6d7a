import { useEffect, useState } from 'react';

const lookEveryMs = 200;
/** Pauses between words are shorter. */
const holdMs = 700;
/** Of a whole scale of 1: louder than a quiet room, quieter than a soft voice. */
const loudness = 0.02;

let shared: AudioContext | undefined;

/** @returns whether somebody is heard speaking in a stream. */
export function useSpeaking(stream: MediaStream | undefined): boolean {
  const [isSpeaking, setSpeaking] = useState(false);
  useEffect(() => {
    if (!stream) return;
    let heard: { track: MediaStreamTrack; analyser: AnalyserNode; source: AudioNode } | undefined;
    let lastAt = 0;
    const samples = new Float32Array(512);
    const look = () => {
      const track = stream.getAudioTracks()[0];
      if (track !== heard?.track) {
        heard?.source.disconnect();
        heard = track && listenTo(track);
      }
      if (!heard) return;
      heard.analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      if (heard.track.enabled && Math.sqrt(power) > loudness) lastAt = performance.now();
      setSpeaking(lastAt > 0 && performance.now() - lastAt < holdMs);
    };
    const looking = setInterval(look, lookEveryMs);
    return () => {
      clearInterval(looking);
      heard?.source.disconnect();
      setSpeaking(false);
    };
  }, [stream]);
  return isSpeaking;
}

function listenTo(track: MediaStreamTrack) {
  shared ??= startedContext();
  const source = shared.createMediaStreamSource(new MediaStream([track]));
  const analyser = shared.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  return { track, analyser, source };
}

/** Where a page may make no sound before it is used, as after a reload into a call, it hears nothing either: it starts as soon as it may. */
function startedContext(): AudioContext {
  const context = new AudioContext();
  const start = () => {
    if (context.state === 'suspended') void context.resume();
  };
  for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, start);
  return context;
}
