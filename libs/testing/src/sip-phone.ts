import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';

export interface SipPhoneOptions {
  /** host:port of the SIP gateway. */
  center: string;
  transport: 'udp' | 'tcp';
  /** The URI whose presence is followed, such as sip:bob@demo. */
  target: string;
  /** The event package: dialog or presence. */
  package: string;
  realm: string;
  username: string;
  password: string;
  expires?: number;
  /** How many NOTIFYs the phone waits for before it unsubscribes. */
  notifies?: number;
  /** The status the phone expects to be refused with. */
  refusal?: number;
}

/** A phone played by sipp (https://sipp.sourceforge.net): subscribes, answers each NOTIFY, and unsubscribes. */
export class SipPhone {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sip-phone-'));
  readonly #done: Promise<number | null>;

  private constructor(options: SipPhoneOptions, port: number) {
    writeFileSync(join(this.#folder, 'phone.xml'), scenario(options));
    const wire = ['-i', '127.0.0.1', '-p', String(port), '-t', options.transport === 'udp' ? 'u1' : 't1'];
    const trace = ['-trace_msg', '-message_file', 'messages.log', '-message_overwrite', 'true', '-trace_err', '-error_file', 'errors.log'];
    // Without it sipp signs an address in place of the URI that it asks for.
    const uri = ['-auth_uri', options.target.replace(/^sips?:/, '')];
    const args = [options.center, '-sf', 'phone.xml', ...uri, '-m', '1', '-nostdin', '-timeout', '90', ...wire, ...trace];
    const sipp = spawn(process.env.SIPP ?? 'sipp', args, { cwd: this.#folder, stdio: 'ignore' });
    this.#done = new Promise((resolve) => sipp.once('exit', resolve));
  }

  static async start(options: SipPhoneOptions): Promise<SipPhone> {
    return new SipPhone(options, await freePort(options.transport));
  }

  /** The NOTIFYs so far, each once, in order. */
  get notifies(): string[] {
    const parts = this.#read('messages.log').split(/^-{20,}.*$/m);
    const all = parts.filter((part) => /message received/.test(part) && /^NOTIFY /m.test(part));
    return [...new Map(all.map((text) => [/^CSeq: (\d+)/m.exec(text)?.[1], text])).values()];
  }

  /** @returns a NOTIFY, by its number from 1, once it has come. */
  async notify(number: number, timeoutMs?: number): Promise<string> {
    return eventually(`NOTIFY number ${number}`, () => this.notifies[number - 1], timeoutMs).catch((error: unknown) => {
      throw new Error(`${this.#read('messages.log')}\n${this.#read('errors.log')}`, { cause: error });
    });
  }

  /** @returns what went wrong with the scenario; empty when all went as it should. */
  async ended(): Promise<string> {
    const code = await this.#done;
    const wrong = code === 0 ? '' : `exit ${code}: ${this.#read('errors.log')}\n${this.#read('messages.log')}`;
    rmSync(this.#folder, { recursive: true, force: true });
    return wrong;
  }

  #read(file: string): string {
    try {
      return readFileSync(join(this.#folder, file), 'utf8');
    } catch {
      return '';
    }
  }
}

/** Free with the transport that takes it: a port without datagrams may have a connection. */
async function freePort(transport: SipPhoneOptions['transport']): Promise<number> {
  return new Promise((resolve, reject) => {
    if (transport === 'udp') {
      const socket = createSocket('udp4').once('error', reject);
      socket.bind(0, '127.0.0.1', () => {
        const { port } = socket.address();
        socket.close(() => resolve(port));
      });
    } else {
      const server = createServer().once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
    }
  });
}

function scenario(options: SipPhoneOptions): string {
  const { transport, target, realm, username, password, expires = 600, notifies = 1, refusal } = options;
  const contact = `Contact: <sip:${username}@[local_ip]:[local_port];transport=${transport}>`;
  const subscribe = (cseq: number, authentication: string, expiry: number, tag = '') => `
  <send retrans="500"><![CDATA[
    SUBSCRIBE ${target} SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
    Max-Forwards: 70
    From: <sip:${username}@${realm}>;tag=[call_number]phone
    To: <${target}>${tag}
    Call-ID: [call_id]
    CSeq: ${cseq} SUBSCRIBE
    ${contact}
    Event: ${options.package}
    Expires: ${expiry}${authentication}
    Content-Length: 0

  ]]></send>`;
  const authentication = `\n    [authentication username=${username} password=${password}]`;
  const challenged = '\n  <recv response="401" auth="true"></recv>';
  const told = `
  <recv request="NOTIFY"></recv>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    ${contact}
    Content-Length: 0

  ]]></send>`;
  const begun = `${subscribe(1, '', expires)}${challenged}${subscribe(2, authentication, expires)}`;
  const remember = '<action><ereg regexp=";tag=[0-9a-f]*" search_in="hdr" header="To:" assign_to="tag"/></action>';
  const body = refusal
    ? `${begun}\n  <recv response="${refusal}"></recv>`
    : `${begun}
  <recv response="200">${remember}</recv>${told.repeat(notifies)}
  ${subscribe(3, '', 0, '[$tag]')}${challenged}${subscribe(4, authentication, 0, '[$tag]')}
  <recv response="200"></recv>${told}
  <Reference variables="tag"/>`;
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<scenario name="phone">${body}\n</scenario>\n`;
}
