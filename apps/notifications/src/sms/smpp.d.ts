/** What this service uses of smpp 0.5, which brings no types of its own. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events';
  import type { Duplex } from 'node:stream';

  /** One message between both sides; its parameters are as SMPP 3.4 names them. */
  class PDU {
    constructor(command: string, parameters?: Record<string, unknown>);
    readonly command: string;
    readonly command_status: number;
    /** Given when it is sent. */
    readonly sequence_number: number;
    readonly [parameter: string]: unknown;
    isResponse(): boolean;
    response(parameters?: Record<string, unknown>): PDU;
  }

  class Session extends EventEmitter {
    constructor(options: { socket: Duplex });
    /** @returns whether the connection takes it. */
    send(pdu: PDU): boolean;
    pause(): void;
    resume(): void;
    close(): void;
    destroy(): void;
  }

  const smpp: { PDU: typeof PDU; Session: typeof Session };
  export default smpp;
  export type { PDU, Session };
}
