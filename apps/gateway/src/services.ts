import { Identity, Replicas, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { addressesIn, type GatewaySettings } from './settings.js';

/** The services behind the door, each with connections that are kept. */
@Injectable()
export class Services {
  readonly directory: ServiceClient;
  readonly calls: ServiceClient;
  readonly presence: ServiceClient;
  readonly #replicas: Map<string, Replicas>;

  constructor(identity: Identity, @Inject(Settings) settings: GatewaySettings) {
    this.#replicas = new Map(addressesIn(settings).map(([name, urls]) => [name, new Replicas(urls)]));
    this.directory = new ServiceClient(identity, 'directory', settings.DIRECTORY_URL);
    this.calls = new ServiceClient(identity, 'calls', settings.CALLS_URL);
    this.presence = new ServiceClient(identity, 'presence', settings.PRESENCE_URL);
  }

  /** @returns the replicas of a service; undefined for a name that is none. */
  replicasOf(service: string): Replicas | undefined {
    return this.#replicas.get(service);
  }
}
