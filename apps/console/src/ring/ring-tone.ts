/** Rings through the speakers until the returned function is called: two tones for a second, two seconds of quiet. */
export function startRingTone(): () => void {
  const audio = new AudioContext();
  const ring = () => {
    const volume = audio.createGain();
    volume.gain.setValueAtTime(0.12, audio.currentTime);
    volume.gain.setValueAtTime(0, audio.currentTime + 1);
    volume.connect(audio.destination);
    for (const frequency of [440, 480]) {
      const tone = audio.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(volume);
      tone.start();
      tone.stop(audio.currentTime + 1);
    }
  };
  ring();
  const timer = setInterval(ring, 3000);
  return () => {
    clearInterval(timer);
    void audio.close();
  };
}
