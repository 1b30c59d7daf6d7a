import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordingView } from '@communication-center/contracts/recordings';
import { type Browsers, eventually, type Fleet, type TestApp } from '@communication-center/testing';
import { SdkPage } from '../sdk-in-browser/sdk-page.js';
import { beepInstead } from './beeping-people.js';

interface Where {
  fleet: Fleet;
  app: TestApp;
}

/** Opens a page of somebody who flashes and beeps, see {@link beepInstead}. */
export async function openBeeping(
  browsers: Browsers,
  { fleet, app, userAlias }: Where & { userAlias: string },
  how: { tone: number; colour: string },
): Promise<SdkPage> {
  const one = await SdkPage.open(browsers, fleet, app, userAlias);
  await one.page.evaluate(beepInstead, how);
  return one;
}

/** @returns the only recording of a call, as a server reads it. */
export async function recordingOf({ fleet, app }: Where, callId: string): Promise<RecordingView> {
  const read = async () =>
    (await fleet.rest<{ recordings?: RecordingView[] }>('GET', `/v1/calls/${callId}/recordings`, app.key)).body.recordings;
  const [one, ...others] = await eventually('a recording', read);
  if (!one || others.length > 0) throw new Error(`one recording is expected, not ${1 + others.length}`);
  return one;
}

/** @returns the recording of a call once its files are there. @throws Error where it failed. */
export async function readyRecording(where: Where, callId: string): Promise<RecordingView> {
  const ready = async () => {
    const one = await recordingOf(where, callId);
    if (one.state === 'failed') throw new Error(`it failed: ${one.fault}`);
    return one.state === 'ready' ? one : undefined;
  };
  return eventually('the files', ready, 120_000);
}

/** @returns where a file of a recording lies now. */
export async function downloadTo(folder: string, { url, name }: RecordingView['files'][number]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, new Uint8Array(await (await fetch(url)).arrayBuffer()));
  return path;
}
