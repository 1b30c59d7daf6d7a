/** What this service uses of janode 1.8, which brings no types of its own. */
declare module 'janode' {
  import type { EventEmitter } from 'node:events';

  export interface Jsep {
    type: 'offer' | 'answer';
    sdp: string;
  }

  export interface Handle extends EventEmitter {
    readonly id: number;
    /** @returns what the plugin answered; its refusal is an error with its `_code`. */
    message(body: object): Promise<unknown>;
    detach(): Promise<void>;
    trickle(candidate: object): Promise<void>;
    trickleComplete(): Promise<void>;
  }

  export interface Session extends EventEmitter {
    attach<H>(plugin: { Handle: new (...args: never[]) => H }): Promise<H>;
    destroy(): Promise<void>;
  }

  export interface Connection extends EventEmitter {
    create(keepAliveSeconds?: number): Promise<Session>;
    close(): Promise<void>;
  }

  const Janode: {
    connect(config: {
      address: { url: string; apisecret?: string };
      max_retries?: number;
      retry_time_secs?: number;
      ws_options?: { handshakeTimeout?: number };
    }): Promise<Connection>;
    Logger: { setLevel(level: string): void };
    EVENT: Record<
      | 'CONNECTION_CLOSED'
      | 'CONNECTION_ERROR'
      | 'HANDLE_DETACHED'
      | 'HANDLE_HANGUP'
      | 'HANDLE_MEDIA'
      | 'HANDLE_SLOWLINK'
      | 'HANDLE_WEBRTCUP',
      string
    >;
  };
  export default Janode;
}

declare module 'janode/plugins/videoroom' {
  import type { Handle, Jsep } from 'janode';

  export interface Publisher {
    feed: string;
    display?: string;
    streams?: { type: string; mid: string; description?: string; disabled?: boolean; simulcast?: boolean }[];
  }

  export interface SubscribedStream {
    mid: string;
    type: string;
    active?: boolean;
    feed_id?: string;
    feed_mid?: string;
  }

  /** A section of what a publisher sends. */
  export interface FeedSection {
    feed: string;
    mid: string;
  }

  export interface SectionDescription {
    mid: string;
    description: string;
  }

  export interface VideoRoomHandle extends Handle {
    create(room: {
      room: string;
      secret: string;
      pin: string;
      admin_key: string;
      is_private: boolean;
      permanent: boolean;
      max_publishers: number;
      require_pvtid: boolean;
      fir_freq: number;
      talking_events: boolean;
      talking_level_threshold: number;
      talking_packets_threshold: number;
    }): Promise<void>;
    destroy(room: { room: string; secret: string }): Promise<void>;
    list(filter: { admin_key: string }): Promise<{ list: { room: string; num_participants: number }[] }>;
    joinPublisher(who: {
      room: string;
      feed: string;
      display: string;
      pin: string;
    }): Promise<{ publishers: Publisher[]; private_id: number }>;
    publish(what: { jsep: Jsep; display: string; descriptions: SectionDescription[] }): Promise<{ jsep: Jsep }>;
    configure(what: {
      jsep?: Jsep;
      descriptions?: SectionDescription[];
      display?: string;
      keyframe?: boolean;
      /** Of a subscriber: whether ICE is to begin anew, with an offer. */
      restart?: boolean;
      /** Of a subscriber: what is sent to it, and which of several sizes, 0 for the smallest of three. */
      streams?: { mid: string; send?: boolean; substream?: number }[];
    }): Promise<{ jsep?: Jsep }>;
    joinSubscriber(what: {
      room: string;
      pin: string;
      private_id: number;
      streams: FeedSection[];
      autoupdate: boolean;
      use_msid: boolean;
    }): Promise<{ jsep: Jsep; streams: SubscribedStream[] }>;
    update(change: { subscribe?: FeedSection[]; unsubscribe?: FeedSection[] }): Promise<{ jsep?: Jsep; streams?: SubscribedStream[] }>;
    start(answer: { jsep: Jsep }): Promise<void>;
  }

  const VideoRoomPlugin: {
    Handle: new (...args: never[]) => VideoRoomHandle;
    EVENT: Record<
      | 'VIDEOROOM_PUB_LIST'
      | 'VIDEOROOM_TALKING'
      | 'VIDEOROOM_DISPLAY'
      | 'VIDEOROOM_UNPUBLISHED'
      | 'VIDEOROOM_LEAVING'
      | 'VIDEOROOM_DESTROYED',
      string
    >;
  };
  export default VideoRoomPlugin;
}

declare module 'janode/plugins/echotest' {
  import type { Handle, Jsep } from 'janode';

  export interface EchoTestHandle extends Handle {
    /** @param what `bitrate` in bits a second. */
    start(what: { audio: boolean; video: boolean; bitrate: number; jsep: Jsep }): Promise<{ jsep?: Jsep }>;
  }

  const EchoTestPlugin: { Handle: new (...args: never[]) => EchoTestHandle };
  export default EchoTestPlugin;
}
