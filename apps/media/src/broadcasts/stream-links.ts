import { randomBytes } from 'node:crypto';
import { type BroadcastId, broadcastIdSchema } from '@communication-center/contracts';
import { SealedBox, Settings, UnopenedError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { MediaSettings } from '../settings.js';

const owner = 'broadcast-streams';
/** Nonce, tag and something in it. */
const shortest = 30;

/** Links by which whoever has one watches a broadcast: which it is, is sealed in them, and nothing is kept. They end with it. */
@Injectable()
export class StreamLinks {
  readonly #box: SealedBox;

  constructor(@Inject(Settings) private readonly settings: Pick<MediaSettings, 'SECRETS_KEY' | 'PUBLIC_URL'>) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  /** @returns where it is watched, without a host where nobody has said where the gateway is reached. */
  of(broadcastId: BroadcastId): { watchUrl: string; playlistUrl: string } {
    const token = this.#box.seal(owner, JSON.stringify([broadcastId])).toString('base64url');
    const base = this.settings.PUBLIC_URL?.replace(/\/$/, '') ?? '';
    // What follows # is sent to nobody: neither logs nor other pages see it.
    return { watchUrl: `${base}/watch.html#${token}`, playlistUrl: `${base}/v1/broadcast-streams/${token}/index.m3u8` };
  }

  /** @returns what a link gives; undefined for one that is none of ours, or is of a key that was taken out since. */
  read(token: string): BroadcastId | undefined {
    const sealed = Buffer.from(token, 'base64url');
    if (sealed.length < shortest) return undefined;
    try {
      return z.tuple([broadcastIdSchema]).parse(JSON.parse(this.#box.open(owner, sealed)))[0];
    } catch (error) {
      const isNone =
        error instanceof UnopenedError || error instanceof RangeError || error instanceof SyntaxError || error instanceof z.ZodError;
      if (isNone) return undefined;
      throw error;
    }
  }
}

/** By which one viewer is told from another. */
export const newViewer = (): string => randomBytes(12).toString('base64url');
export const viewerForm = /^[A-Za-z0-9_-]{16}$/;
