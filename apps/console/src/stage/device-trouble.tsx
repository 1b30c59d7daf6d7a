import type { DeviceProblem, MediaKind } from '@communication-center/client';
import type { Sending } from '../calls/use-sending.js';

const devices: Record<MediaKind, string> = { audio: 'microphone', video: 'camera' };
const lacks: Record<MediaKind, string> = { audio: 'The others do not hear you', video: 'The others do not see you' };
const troubles: Record<DeviceProblem, (device: string) => string> = {
  denied: (device) => `this page may not use the ${device}. Allow it beside the address of this page, and try again`,
  missing: (device) => `no ${device} was found. Plug one in, and try again`,
  in_use: (device) => `another program uses the ${device}. Close it, and try again`,
  failed: (device) => `the ${device} did not start`,
};

/** What is wrong with microphone and camera, as long as it is: in own words, beside their buttons. */
export function DeviceTroubles({ sending, nameOf }: { sending: Sending; nameOf: (userAlias: string) => string }) {
  const kinds: readonly MediaKind[] = ['audio', 'video'];
  const asked = kinds.filter((kind) => sending[kind].state === 'asking').map((kind) => devices[kind]);
  return (
    <>
      <div role="status" className="troubles">
        {kinds.map((kind) => {
          const ban = sending.forbidden[kind];
          if (!ban) return null;
          const who = ban.by === null ? 'It was decided' : `${nameOf(ban.by)} has decided`;
          return (
            <p key={kind} className="notice plain">
              {lacks[kind]}: {who} that your {devices[kind]} stays off.
            </p>
          );
        })}
        {asked.length > 0 && <p className="notice plain">Your browser asks whether this page may use your {asked.join(' and ')}.</p>}
      </div>
      <div role="alert" className="troubles">
        {kinds.map((kind) => {
          const { problem, wished } = sending[kind];
          if (!problem || !wished) return null;
          return (
            <p key={kind} className="notice plain">
              <span className="grow">
                {lacks[kind]}: {troubles[problem](devices[kind])}.
              </span>
              <button type="button" className="button" onClick={() => sending.retry(kind)}>
                Try the {devices[kind]} again
              </button>
            </p>
          );
        })}
      </div>
    </>
  );
}
