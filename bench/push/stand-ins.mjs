import { ApnsStandIn, FcmStandIn, makeAppleApp, makeServiceAccount, standInCertificate } from '@communication-center/testing';
import { SMTPServer } from 'smtp-server';
import { serveActs } from '../price/serve-acts.mjs';
import { nowMs } from './clock.mjs';

/*
 * Apple, Firebase and a mail server, in a process of their own: each push is noted with the moment at which it has been read and judged.
 */
let apns;
let fcm;
let taken = [];
let mails = 0;
/** How long each answer takes, in milliseconds: a push has come so long before it is judged. */
let delayMs = 0;
/** Who waits until so many pushes have come. */
let waiting = { count: Number.POSITIVE_INFINITY, come: () => undefined };

serveActs({ open, delay, clear, take, wait, counted });

/** @returns where each is asked, what it trusts, and an app that both know. */
async function open({ folder }) {
  const certificate = standInCertificate(folder);
  apns = await ApnsStandIn.start(certificate);
  fcm = await FcmStandIn.start(certificate);
  const [apple, account] = [makeAppleApp(), makeServiceAccount()];
  apns.knows(apple);
  fcm.knows(account);
  apns.onPush = ({ token, payload }) => note(token, payload);
  fcm.onPush = ({ token, data }) => note(token, data);
  const mail = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData: (stream, _, done) => {
      mails += 1;
      stream.resume().on('end', () => done());
    },
  });
  await new Promise((resolve) => mail.listen(0, '127.0.0.1', resolve));
  return { apns: apns.place, fcm: fcm.place, smtp: mail.server.address().port, ca: certificate.file, apple, account };
}

/** What tells that a ring is over, and what rules send, is not noted. */
function note(token, told) {
  if (told.type !== 'ring') return;
  taken.push({
    token,
    callId: told.callId,
    at: nowMs() - delayMs,
    deadline: told.deadline ? Date.parse(told.deadline) : undefined,
    sent: Date.now(),
  });
  if (taken.length >= waiting.count) waiting.come();
}

/** Has each answer take so long, in milliseconds. */
function delay({ ms }) {
  delayMs = ms;
  apns.delayMs = ms;
  fcm.delayMs = ms;
}

function clear() {
  taken = [];
}

/** @returns what came since it was cleared, and how much of it came twice, or later than its deadline. */
function take() {
  const late = taken.filter(({ deadline, sent }) => deadline !== undefined && sent > deadline).length;
  const twice = taken.length - new Set(taken.map(({ token, callId }) => `${token} ${callId}`)).size;
  return { pushes: taken.map(({ callId, at }) => ({ callId, at })), late, twice };
}

/** Resolves once so many pushes have come since it was cleared. @throws after a minute. */
function wait({ count }) {
  if (taken.length >= count) return undefined;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${taken.length} of ${count} pushes came`)), 60_000);
    waiting = {
      count,
      come: () => {
        clearTimeout(timer);
        waiting = { count: Number.POSITIVE_INFINITY, come: () => undefined };
        resolve();
      },
    };
  });
}

function counted() {
  return { mails, refusals: [...apns.refusals, ...fcm.refusals] };
}
