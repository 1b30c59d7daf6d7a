/**
 * Runs in a page before anything else: notes when each step between an answer and the first picture was taken, by the clock of
 * the machine, in milliseconds. A step that is taken again is not noted again; `window.takeMarks()` tells and forgets all.
 */
export function markSteps() {
  let marks = {};
  const mark = (step) => {
    marks[step] ??= performance.timeOrigin + performance.now();
  };
  window.takeMarks = () => {
    const taken = marks;
    marks = {};
    return taken;
  };
  window.markStep = mark;

  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(url, protocol) {
      super(url, protocol);
      this.kind = String(protocol).includes('media') ? 'media' : 'calls';
      if (this.kind === 'media') mark('media socket asked for');
      this.addEventListener('open', () => this.kind === 'media' && mark('media socket open'));
      this.addEventListener('message', ({ data }) => this.note('told', data));
    }
    send(data) {
      this.note('said', data);
      super.send(data);
    }
    note(how, data) {
      const frame = JSON.parse(String(data));
      if (this.kind === 'media') mark(`${how}: ${frame.type}${frame.peer ? ` of ${frame.peer}` : ''}`);
      else if (frame.type === 'answer') mark(`${how}: answer`);
      else if (frame.event?.type === 'call.answered') mark(`${how}: answered`);
      else if (frame.result?.media) mark(`${how}: credentials`);
    }
  };

  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    mark('camera asked for');
    const stream = await ask(wish);
    mark('camera open');
    return stream;
  };

  const Peer = window.RTCPeerConnection;
  let made = 0;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      const end = made++ % 2 === 0 ? 'publisher' : 'subscriber';
      mark(`${end} made`);
      this.addEventListener('iceconnectionstatechange', () => mark(`${end} ICE ${this.iceConnectionState}`));
      this.addEventListener('connectionstatechange', () => mark(`${end} ${this.connectionState}`));
      for (const method of ['createOffer', 'createAnswer', 'setLocalDescription', 'setRemoteDescription']) {
        this[method] = async (...args) => {
          const done = await Peer.prototype[method].apply(this, args);
          mark(`${end} ${method} done`);
          return done;
        };
      }
    }
  };
}

/** @returns for each step how long after the answer it was taken, as the median of all calls, in order. */
export function stepsOf(rounds) {
  const steps = new Map();
  for (const { answeredAt, marks } of rounds)
    for (const [step, at] of Object.entries(marks)) steps.set(step, [...(steps.get(step) ?? []), at - answeredAt]);
  const middle = (times) => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];
  return [...steps].map(([step, times]) => [step, middle(times), times.length]).toSorted(([, one], [, other]) => one - other);
}
