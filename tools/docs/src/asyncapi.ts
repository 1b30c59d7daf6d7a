import {
  clientFrameSchema,
  mediaClientFrameSchema,
  mediaServerFrameSchema,
  mediaSubprotocol,
  serverFrameSchema,
  socketSubprotocol,
} from '@communication-center/contracts';
import type { z } from 'zod';
import { jsonSchemaOf } from './json-schema.js';

interface FrameSet {
  options: readonly z.ZodType[];
}

/** Each frame of a union as a message of its own, named by its `type`. */
function messagesOf(frames: FrameSet, io: 'input' | 'output'): Record<string, object> {
  const schemas = frames.options.map((frame) => jsonSchemaOf(frame, io) as { properties: { type: { const: string } } });
  return Object.fromEntries(
    schemas.map((payload) => [
      payload.properties.type.const,
      { name: payload.properties.type.const, contentType: 'application/json', payload },
    ]),
  );
}

function channel(address: string, description: string, client: FrameSet, server: FrameSet) {
  const prefixed = (prefix: string, messages: Record<string, object>) =>
    Object.fromEntries(Object.entries(messages).map(([name, message]) => [`${prefix}.${name}`, message]));
  return {
    address,
    description,
    messages: { ...prefixed('client', messagesOf(client, 'input')), ...prefixed('server', messagesOf(server, 'output')) },
  };
}

/** @returns the two socket protocols as AsyncAPI 3.0. */
export function asyncApi(): object {
  const channels = {
    signalling: channel(
      '/v1/socket',
      `WebSocket, subprotocol ${socketSubprotocol}. The first frame is connect.`,
      clientFrameSchema,
      serverFrameSchema,
    ),
    media: channel(
      '/',
      `WebSocket, subprotocol ${mediaSubprotocol}, at the url of the media credentials. The first frame is join.`,
      mediaClientFrameSchema,
      mediaServerFrameSchema,
    ),
  };
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
  return { asyncapi: '3.0.0', info: { title: 'Communication Center sockets', version: '1' }, channels, operations };
}
