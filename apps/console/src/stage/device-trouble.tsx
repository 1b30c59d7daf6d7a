import type { DeviceProblem, Kind, Sending } from '../calls/use-sending.js';

const devices: Record<Kind, string> = { audio: 'microphone', video: 'camera' };
const lacks: Record<Kind, string> = { audio: 'The others do not hear you', video: 'The others do not see you' };
const troubles: Record<DeviceProblem, (device: string) => string> = {
  denied: (device) => `this page may not use the ${device}. Allow it beside the address of this page`,
  missing: (device) => `no ${device} was found. Plug one in`,
  in_use: (device) => `another program uses the ${device}. Close it`,
  failed: (device) => `the ${device} did not start`,
};

/** What is wrong with microphone and camera, as long as it is: in own words, beside their buttons. */
export function DeviceTroubles({ sending }: { sending: Sending }) {
  return (
    <div role="alert" className="troubles">
      {(['audio', 'video'] as const).map((kind) => {
        const { problem, wished } = sending[kind];
        if (!problem || !wished) return null;
        return (
          <p key={kind} className="notice plain">
            <span className="grow">
              {lacks[kind]}: {troubles[problem](devices[kind])}.
            </span>
            {sending.retry && (
              <button type="button" className="button" onClick={() => sending.retry?.(kind)}>
                Try again
              </button>
            )}
          </p>
        );
      })}
    </div>
  );
}
