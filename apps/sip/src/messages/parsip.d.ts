declare module 'parsip' {
  interface SipUri {
    user: string | undefined;
    host: string;
    port: number | undefined;
    toString(): string;
  }
  interface NameAddress {
    uri: SipUri;
  }
  interface ParsedMessage {
    /** Undefined for a response. */
    method?: string;
    status_code?: number;
    ruri?: SipUri;
    headers: Record<string, { raw: string }[] | undefined>;
    via: { branch?: string; host: string; port?: number };
    via_branch?: string;
    from: NameAddress;
    from_tag?: string;
    to: NameAddress;
    to_tag?: string;
    call_id: string;
    /** The sequence number; the header itself names the method too. */
    cseq: number;
    body: string | null;
  }
  /** @returns undefined for what is no SIP message, or lacks what every one must have. */
  export function getSIP(message: string): ParsedMessage | undefined;
}
