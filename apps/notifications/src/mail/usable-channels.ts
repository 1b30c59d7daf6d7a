import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import type { ChannelCredentialBody, SmppBody, SmtpBody } from '@communication-center/contracts';
import { AddressGuard, ProblemError } from '@communication-center/service';
import type { NotificationsSettings } from '../settings.js';

/** Ports on which mail servers take mail of those who sign in, and of each other. */
const mailPorts = new Set([25, 465, 587, 2465, 2525, 2587]);
/** Below are the ports of other protocols; SMSCs have none of their own, and use any above. */
const firstSmscPort = 1024;

/** Judges what an app names before it is saved; what its hosts lead to is judged again whenever they are connected to. */
export class UsableChannels {
  readonly #guard: AddressGuard;

  constructor(private readonly settings: NotificationsSettings) {
    this.#guard = new AddressGuard(settings);
  }

  /** @throws ProblemError `invalid_request` that names a field whose value may not be used. */
  require(body: ChannelCredentialBody): void {
    if (body.provider === 'twilio') return;
    const { host } = body;
    this.#guard.requireUrl('host', `https://${isIP(host) === 6 ? `[${host}]` : host}`);
    if (body.provider === 'smtp') this.#requireMailServer(body);
    else this.#requireSmsc(body);
  }

  #requireMailServer({ port, security, password, username, dkim }: SmtpBody): void {
    const inDevelopment = this.settings.PROFILE === 'development';
    if (!inDevelopment && !mailPorts.has(port)) refuse('port', `use one of ${[...mailPorts].join(', ')}`);
    if (!inDevelopment && security === 'none') refuse('security', 'use tls or starttls');
    if ((username === undefined) !== (password === undefined)) refuse('password', 'give a user name and a password, or neither');
    if (dkim && !isRsa(dkim.privateKey)) refuse('dkim.privateKey', 'this is no RSA key in PEM');
  }

  #requireSmsc({ port }: SmppBody): void {
    if (port < firstSmscPort) refuse('port', `use one from ${firstSmscPort} on`);
  }
}

function refuse(field: string, message: string): never {
  throw new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}

function isRsa(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
