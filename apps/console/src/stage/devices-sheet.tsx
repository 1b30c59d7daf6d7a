import type { Call, CommunicationCenter, MediaKind } from '@communication-center/client';
import { useRef, useState } from 'react';
import { keepDevice, keepNoiseSuppression, keptDevices } from '../calls/kept-devices.js';
import { useMediaDevices } from '../calls/use-media-devices.js';
import type { Sending } from '../calls/use-sending.js';
import { MediaTest } from './media-test.js';

const names: Record<MediaKind, string> = { audio: 'Microphone', video: 'Camera' };
const inText: Record<MediaKind, string> = { audio: 'microphone', video: 'camera' };

/** Which microphone and which camera are used in a call: another one is used at once. */
export function DevicesSheet({ center, call, sending }: { center: CommunicationCenter; call: Call; sending: Sending }) {
  const devices = useMediaDevices(sending);
  const kinds: readonly MediaKind[] = call.callType === 'audio_video' ? ['audio', 'video'] : ['audio'];
  return (
    <>
      {kinds.map((kind) => (
        <DeviceChoice key={kind} call={call} kind={kind} devices={devices?.[kind]} />
      ))}
      <NoiseSuppression call={call} />
      <MediaTest center={center} />
    </>
  );
}

/** Whether the browser takes noise out of what the microphone hears. */
function NoiseSuppression({ call }: { call: Call }) {
  const [isOn, setOn] = useState(() => keptDevices().noiseSuppression ?? true);
  const [problem, setProblem] = useState<string>();
  const [isChanging, setChanging] = useState(false);
  const set = async (on: boolean) => {
    setChanging(true);
    setProblem(undefined);
    try {
      await call.setNoiseSuppression(on);
      keepNoiseSuppression(on);
      setOn(on);
    } catch {
      setProblem('The microphone could not be opened so. What was used before goes on.');
    } finally {
      setChanging(false);
    }
  };
  return (
    <>
      <label className="check">
        <input
          type="checkbox"
          checked={isOn}
          aria-disabled={isChanging}
          onChange={({ target }) => !isChanging && void set(target.checked)}
        />
        Suppress background noise
      </label>
      <div role="alert">{problem && <p className="notice bad">{problem}</p>}</div>
    </>
  );
}

interface Props {
  call: Call;
  kind: MediaKind;
  /** Undefined until they are known. */
  devices: MediaDeviceInfo[] | 'untold' | undefined;
}

function DeviceChoice({ call, kind, devices }: Props) {
  const { chosen, choose, problem } = useChoice(call, kind);
  return (
    <fieldset className="device-choice">
      <legend>{names[kind]}</legend>
      {devices === 'untold' && <p className="soft">Each {inText[kind]} is listed here once this page may use one.</p>}
      {devices?.length === 0 && <p className="soft">No {inText[kind]} was found. One that is plugged in is listed here at once.</p>}
      {Array.isArray(devices) &&
        devices.map((device, index) => {
          const name = device.label || `${names[kind]} ${index + 1}`;
          return (
            <label key={device.deviceId} className="check">
              <input
                type="radio"
                name={`device-${kind}`}
                checked={device.deviceId === chosen}
                onChange={() => void choose(device.deviceId, name)}
              />
              <span className="wrap">{name}</span>
            </label>
          );
        })}
      <div role="alert">{problem && <p className="notice bad">{problem}</p>}</div>
    </fieldset>
  );
}

/** What is used of a kind, and how another one is. */
function useChoice(call: Call, kind: MediaKind) {
  const [picked, setPicked] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const wanted = useRef<string>(undefined);
  const isChanging = useRef(false);
  const used = call.localStream?.getTracks().find((track) => track.kind === kind);
  const choose = async (deviceId: string, name: string) => {
    wanted.current = deviceId;
    setPicked(deviceId);
    setProblem(undefined);
    // Arrow keys pass over some: one after the other, and only the last of those that wait.
    if (isChanging.current) return;
    isChanging.current = true;
    try {
      while (wanted.current !== undefined) {
        const next = wanted.current;
        wanted.current = undefined;
        // biome-ignore lint/correctness/useHookAtTopLevel: a method of the call, and no hook
        await call.useDevice(kind, next);
        keepDevice(kind, next);
      }
    } catch {
      setPicked(undefined);
      setProblem(`${name} could not be used. What was used before goes on.`);
    } finally {
      wanted.current = undefined;
      isChanging.current = false;
    }
  };
  return { chosen: picked ?? used?.getSettings().deviceId, choose, problem };
}
