import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import apn from '@parse/node-apn';
import { initializeApp } from 'firebase-admin/app';
import { getMessaging } from 'firebase-admin/messaging';
import { JWT } from 'google-auth-library';
import { serveActs } from '../price/serve-acts.mjs';
import { nowMs } from './clock.mjs';

/*
 * The libraries alone, in a process of their own: no rows, no log, no claims. So many pushes at a time, each of the size that ours have.
 */
let ways;
serveActs({ open, push });

function open({ apns, fcm, ca: file, apple, account }) {
  const ca = readFileSync(file);
  const [address, port] = apns.split(':');
  const { key, keyId, teamId, bundleId } = apple;
  const provider = new apn.Provider({
    token: { key, keyId, teamId },
    production: true,
    address,
    port: Number(port),
    ca: [ca],
    connectionRetryLimit: 0,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 256, ca });
  const connect = agent.createConnection.bind(agent);
  const [host, fcmPort] = fcm.split(':');
  agent.createConnection = (asked, done) =>
    connect({ ...asked, host, port: Number(fcmPort), servername: asked.servername ?? asked.host }, done);
  const scopes = ['https://www.googleapis.com/auth/firebase.messaging'];
  const signer = new JWT({ email: account.client_email, key: account.private_key, scopes, transporterOptions: { agent } });
  const getAccessToken = async () => ({ access_token: (await signer.authorize()).access_token, expires_in: 3000 });
  const messaging = getMessaging(initializeApp({ credential: { getAccessToken }, projectId: account.project_id, httpAgent: agent }));
  ways = {
    apns: async (token) => {
      const ring = ringOf();
      const notification = Object.assign(new apn.Notification(), {
        ...{ topic: `${bundleId}.voip`, pushType: 'voip', priority: 10, expiry: Math.floor(Date.now() / 1000) + 60 },
        ...{ collapseId: ring.callId, rawPayload: { aps: {}, ...ring } },
      });
      const { failed } = await provider.send(notification, token);
      if (failed[0]) throw new Error(JSON.stringify(failed[0]));
    },
    fcm: async (token) => {
      const ring = ringOf();
      await messaging.send({ token, data: ring, android: { priority: 'high', ttl: 60_000, collapseKey: ring.callId } });
    },
  };
}

/** Sends pushes, so many at a time. @returns when it began, in milliseconds. */
async function push({ way, tokens, count, atOnce }) {
  const from = nowMs();
  let made = 0;
  const next = async () => {
    while (made < count) await ways[way](tokens[made++ % tokens.length]);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  return { from };
}

function ringOf() {
  const now = new Date().toISOString();
  const who = { type: 'ring', appId: 'bench', callId: crypto.randomUUID(), userAlias: 'user-1', caller: 'caller', callerName: '' };
  return { ...who, callType: 'audio_video', waiting: 'false', sentAt: now, deadline: now, deviceId: 'phone', ringToken: 'x'.repeat(490) };
}
