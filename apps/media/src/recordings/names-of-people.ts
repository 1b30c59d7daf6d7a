import type { AppId, UserAlias } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { Identity, Replicas, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';

/** So many are asked for at once. */
const atOnce = 100;

/** How people are called, where recordings are to say so. Nothing of it is kept but in their pictures. */
@Injectable()
export class NamesOfPeople {
  readonly #directory: ServiceClient;

  constructor(
    identity: Identity,
    @Inject(Settings) private readonly settings: Pick<MediaSettings, 'DIRECTORY_URL' | 'RECORDING_NAMES'>,
  ) {
    this.#directory = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
  }

  /** @returns the names of those who have one, by their aliases; nobody's where recordings are not to say them. @throws where the directory does not answer. */
  async of(appId: AppId, aliases: readonly UserAlias[]): Promise<Map<string, string>> {
    const names = new Map<string, string>();
    if (!this.settings.RECORDING_NAMES) return names;
    const all = [...new Set(aliases)];
    for (let from = 0; from < all.length; from += atOnce) {
      const asking = { params: { appId }, body: { userAliases: all.slice(from, from + atOnce) } };
      const { profiles } = await this.#directory.ask(internal.profiles, asking, { timeoutMs: 3000, retryForMs: 5000 });
      for (const { userAlias, name } of profiles) if (name) names.set(userAlias, name);
    }
    return names;
  }
}
