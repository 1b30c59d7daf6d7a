/** What the stand-in uses of smpp 0.5, which brings no types of its own. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events';
  import type { Server } from 'node:net';

  class PDU {
    constructor(command: string, parameters?: Record<string, unknown>);
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly [parameter: string]: unknown;
    isResponse(): boolean;
    response(parameters?: Record<string, unknown>): PDU;
  }

  class Session extends EventEmitter {
    send(pdu: PDU, answered?: (pdu: PDU) => void): boolean;
    destroy(): void;
  }

  const smpp: {
    PDU: typeof PDU;
    createServer(options: { key?: string; cert?: string }, onSession: (session: Session) => void): Server;
  };
  export default smpp;
  export type { PDU, Session };
}
