import {
  clientFrameSchema,
  mediaClientFrameSchema,
  mediaServerFrameSchema,
  mediaSubprotocol,
  serverFrameSchema,
  socketSubprotocol,
} from '@communication-center/contracts';
import type { z } from 'zod';
import { componentsOf, refTo } from './schema-components.js';

interface FrameSet {
  options: readonly z.ZodObject[];
}

/** Each frame of a union by its `type`, under a prefix that names the protocol and the side that sends it. */
function framesOf(prefix: string, { options }: FrameSet): Record<string, z.ZodType> {
  return Object.fromEntries(options.map((frame) => [`${prefix}.${(frame.shape.type as z.ZodLiteral).value}`, frame]));
}

/** The frames of both sides of a protocol, as components. */
function schemasOf(name: string, client: FrameSet, server: FrameSet): Record<string, object> {
  return {
    ...componentsOf(framesOf(`${name}.client`, client), 'input'),
    ...componentsOf(framesOf(`${name}.server`, server), 'output'),
  };
}

function messagesOf(name: string, side: 'client' | 'server', { options }: FrameSet): Record<string, object> {
  const types = options.map((frame) => String((frame.shape.type as z.ZodLiteral).value));
  return Object.fromEntries(
    types.map((type) => [`${side}.${type}`, { name: type, contentType: 'application/json', payload: refTo(`${name}.${side}.${type}`) }]),
  );
}

const protocols = {
  signalling: {
    address: '/v1/socket',
    description: `WebSocket, subprotocol ${socketSubprotocol}. The first frame is connect.`,
    client: clientFrameSchema as FrameSet,
    server: serverFrameSchema as FrameSet,
  },
  media: {
    address: '/',
    description: `WebSocket, subprotocol ${mediaSubprotocol}, at the url of the media credentials. The first frame is join.`,
    client: mediaClientFrameSchema as FrameSet,
    server: mediaServerFrameSchema as FrameSet,
  },
};

/** @returns the two socket protocols as AsyncAPI 3.0. */
export function asyncApi(): object {
  const channels = Object.fromEntries(
    Object.entries(protocols).map(([name, { address, description, client, server }]) => [
      name,
      { address, description, messages: { ...messagesOf(name, 'client', client), ...messagesOf(name, 'server', server) } },
    ]),
  );
  const schemas = Object.assign({}, ...Object.entries(protocols).map(([name, { client, server }]) => schemasOf(name, client, server)));
  const operations = Object.fromEntries(
    Object.entries(channels).flatMap(([name, { messages }]) =>
      (['client', 'server'] as const).map((side) => [
        `${name}.${side}`,
        {
          action: side === 'client' ? 'receive' : 'send',
          channel: { $ref: `#/channels/${name}` },
          messages: Object.keys(messages)
            .filter((message) => message.startsWith(`${side}.`))
            .map((message) => ({ $ref: `#/channels/${name}/messages/${message}` })),
        },
      ]),
    ),
  );
  return {
    asyncapi: '3.0.0',
    info: { title: 'Communication Center sockets', version: '1' },
    channels,
    operations,
    components: { schemas },
  };
}
