/** What a page of a person who beeps has in its window. */
declare const window: Window & typeof globalThis & { beeps: { tone: number } };

/**
 * Makes the camera of a page flash white, and its microphone sound a tone, in the same moments: for a quarter of a second in each one. Between them the
 * picture is of the person's colour, and nothing is heard.
 */
export function beepInstead({ tone, colour }: { tone: number; colour: string }): void {
  window.beeps = { tone };
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 360;
  const paint = canvas.getContext('2d');
  const context = new AudioContext();
  const oscillator = context.createOscillator();
  const loudness = context.createGain();
  oscillator.frequency.value = tone;
  loudness.gain.value = 0;
  const out = context.createMediaStreamDestination();
  oscillator.connect(loudness).connect(out);
  oscillator.start();
  const draw = () => {
    const isOn = Date.now() % 1000 < 250;
    loudness.gain.value = isOn ? 0.4 : 0;
    if (!paint) return;
    paint.fillStyle = isOn ? 'white' : colour;
    paint.fillRect(0, 0, canvas.width, canvas.height);
    // A picture that is the same as before is not sent.
    paint.fillStyle = 'black';
    paint.fillRect((Date.now() / 20) % canvas.width, 0, 4, 4);
  };
  setInterval(draw, 40);
  // A screen of its own colour, which does not flash.
  navigator.mediaDevices.getDisplayMedia = async () => {
    const screen = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    const paintScreen = screen.getContext('2d');
    setInterval(() => {
      if (!paintScreen) return;
      paintScreen.fillStyle = '#808000';
      paintScreen.fillRect(0, 0, screen.width, screen.height);
      paintScreen.fillStyle = 'black';
      paintScreen.fillRect((Date.now() / 20) % screen.width, 0, 4, 4);
    }, 100);
    return screen.captureStream(10);
  };
  const pictures = canvas.captureStream(25);
  navigator.mediaDevices.getUserMedia = async (wished) => {
    await context.resume();
    const tracks = [...(wished?.audio ? out.stream.getAudioTracks() : []), ...(wished?.video ? pictures.getVideoTracks() : [])];
    return new MediaStream(tracks.map((track) => track.clone()));
  };
}
