import { internal } from '@communication-center/contracts/internal';
import { Identity, ProblemError, Replicas, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { addressesIn, type GatewaySettings } from './settings.js';

/** The services behind the door: where the replicas of each answer is known, and learnt, in one place. */
@Injectable()
export class Services {
  readonly directory: ServiceClient;
  readonly calls: ServiceClient;
  readonly presence: ServiceClient;
  readonly #replicas: Map<string, Replicas>;

  constructor(identity: Identity, @Inject(Settings) settings: GatewaySettings) {
    this.#replicas = new Map(addressesIn(settings).map(([name, urls]) => [name, new Replicas(urls)]));
    const clientOf = (service: string) => new ServiceClient(identity, service, this.replicasOf(service));
    this.directory = clientOf('directory');
    this.calls = new ServiceClient(identity, 'calls', this.replicasOf('calls'), [internal.carryOut]);
    this.presence = clientOf('presence');
  }

  /** @throws ProblemError `not_found` for a name that is no service's, or one that this fleet does without. */
  replicasOf(service: string): Replicas {
    const replicas = this.#replicas.get(service);
    if (!replicas) throw new ProblemError('not_found', `There is no ${service} service here`);
    return replicas;
  }
}
