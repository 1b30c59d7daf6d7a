import type { MediaKind } from '@communication-center/client';
import { useEffect, useState } from 'react';
import type { Sending } from './use-sending.js';

const kindsOfPlatform: Record<MediaDeviceKind, MediaKind | undefined> = {
  audioinput: 'audio',
  videoinput: 'video',
  audiooutput: undefined,
};

/** What there is to choose from: `untold` where the browser tells no names or ids before this page was allowed to use one. */
type ListedDevices = Record<MediaKind, MediaDeviceInfo[] | 'untold'>;

/** The microphones and cameras of this device, as they are plugged in and out; undefined until they are known. */
export function useMediaDevices({ audio, video }: Sending): ListedDevices | undefined {
  const [devices, setDevices] = useState<ListedDevices>();
  // Browsers tell more once one is open.
  const opened = `${audio.state} ${video.state}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew with what is open
  useEffect(() => {
    const { mediaDevices } = navigator;
    let isOver = false;
    const look = async () => {
      // Pages without TLS have none at all.
      const found = (await mediaDevices?.enumerateDevices().catch(() => undefined)) ?? [];
      if (!isOver) setDevices({ audio: listed(found, 'audio'), video: listed(found, 'video') });
    };
    const again = () => void look();
    again();
    mediaDevices?.addEventListener('devicechange', again);
    return () => {
      isOver = true;
      mediaDevices?.removeEventListener('devicechange', again);
    };
  }, [opened]);
  return devices;
}

function listed(found: readonly MediaDeviceInfo[], kind: MediaKind): MediaDeviceInfo[] | 'untold' {
  const ofKind = found.filter((device) => kindsOfPlatform[device.kind] === kind);
  const told = ofKind.filter(({ deviceId }) => deviceId !== '');
  return told.length === 0 && ofKind.length > 0 ? 'untold' : told;
}
