import { type RecordingId, recordingIdSchema } from '@communication-center/contracts';
import { SealedBox, Settings, UnopenedError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { MediaSettings } from '../settings.js';

const owner = 'recording-files';
const path = '/v1/recording-files';
/** Nonce, tag and something in it. */
const shortest = 30;
const aboutSchema = z.tuple([recordingIdSchema, z.string(), z.number()]);

/** What a link gives. */
export interface LinkedFile {
  recordingId: RecordingId;
  name: string;
}

/** Links through the gateway that give one file for a while, whoever has them: what they are about is sealed in them, and nothing is kept. */
@Injectable()
export class FileLinks {
  readonly #box: SealedBox;

  constructor(@Inject(Settings) private readonly settings: Pick<MediaSettings, 'SECRETS_KEY' | 'PUBLIC_URL' | 'RECORDING_LINK_SECONDS'>) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  /** @returns the link, without a host where nobody has said where the gateway is reached, and until when it gives the file. */
  linkTo({ recordingId, name }: LinkedFile, now: Date): { url: string; urlExpiresAt: string } {
    const expiresAt = now.getTime() + this.settings.RECORDING_LINK_SECONDS * 1000;
    const token = this.#box.seal(owner, JSON.stringify([recordingId, name, expiresAt])).toString('base64url');
    const base = this.settings.PUBLIC_URL?.replace(/\/$/, '') ?? '';
    return { url: `${base}${path}/${token}`, urlExpiresAt: new Date(expiresAt).toISOString() };
  }

  /** @returns what a link gives; undefined for one that is none of ours, has expired, or is of a key that was taken out since. */
  read(token: string, now: Date): LinkedFile | undefined {
    const sealed = Buffer.from(token, 'base64url');
    if (sealed.length < shortest) return undefined;
    try {
      const [recordingId, name, expiresAt] = aboutSchema.parse(JSON.parse(this.#box.open(owner, sealed)));
      return expiresAt > now.getTime() ? { recordingId, name } : undefined;
    } catch (error) {
      const isNone =
        error instanceof UnopenedError || error instanceof RangeError || error instanceof SyntaxError || error instanceof z.ZodError;
      if (isNone) return undefined;
      throw error;
    }
  }
}
