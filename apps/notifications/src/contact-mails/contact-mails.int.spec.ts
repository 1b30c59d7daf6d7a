/*
 * Each thing is told to an app's contact, in one letter with what else is due; what is put off is tried again, and what nobody is named
 * for ends.
 */
import type { AppId } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SendOutcome } from '../domain/mail-outcome.js';
import type { Letter } from '../mail/mail-channel.js';
import { contactMails } from '../migrations/18-contact-mails.js';
import { ContactMails, type ToTell } from './contact-mails.js';

const fleet = new Fleet();
const demo = 'demo' as AppId;
let schema: TestSchema;
let mails: ContactMails;
let letters: Letter[];
let answer: SendOutcome;
let contact: () => string | undefined;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [contactMails]);
  letters = [];
  answer = { outcome: 'accepted' };
  contact = () => 'ops@shop.example';
  const database = { query: schema.query.bind(schema), of: () => schema, background: schema };
  const mail = {
    send: async (_appId: AppId, letter: Letter) => {
      letters.push(letter);
      return answer;
    },
  };
  const directory = { ask: async () => ({ options: { contactEmail: contact() } }) };
  mails = new ContactMails(database as never, mail, directory as never, { RETRY_SCHEDULE_SECONDS: [0, 0, 0] }, () => undefined);
});
afterEach(() => schema.drop());

function disabled(more: Partial<ToTell> = {}): ToTell {
  const entryId = crypto.randomUUID();
  return { entryId, appId: demo, endpointId: crypto.randomUUID(), reason: 'it answered 410 Gone', at: new Date().toISOString(), ...more };
}
const rows = async () =>
  (await schema.query<{ state: string; why: string | null }>('SELECT state, why FROM contact_mails ORDER BY happened_at')).rows;
async function tellAll(): Promise<void> {
  while ((await mails.tellNext()) === 0);
}

test('what is due of an app goes in one letter, and what is told again changes nothing', async () => {
  const both = [disabled(), disabled(), disabled({ appId: 'other' as AppId })];
  await mails.begin(both);
  await mails.begin(both);
  await tellAll();
  expect(letters.map(({ to, subject }) => [to, subject]).toSorted()).toEqual([
    ['ops@shop.example', '2 webhook endpoints of demo were disabled'],
    ['ops@shop.example', 'A webhook endpoint of other was disabled'],
  ]);
  expect((await rows()).map(({ state }) => state)).toEqual(['sent', 'sent', 'sent']);
});

test('what comes soon after a letter waits for company', async () => {
  await mails.begin([disabled()]);
  await tellAll();
  await mails.begin([disabled()]);
  const nextInMs = await mails.tellNext();
  expect(nextInMs).toBeGreaterThan(590_000);
  expect(letters).toHaveLength(1);
  await schema.query("UPDATE contact_mails SET next_attempt_at = now() WHERE state = 'pending'");
  await mails.begin([disabled()]);
  await schema.query("UPDATE contact_mails SET next_attempt_at = now() WHERE state = 'pending'");
  await tellAll();
  expect(letters.at(-1)?.subject).toBe('2 webhook endpoints of demo were disabled');
});

test('what is put off is tried again, under its id, until its schedule ends', async () => {
  answer = { outcome: 'later', reason: 'try later' };
  const one = disabled();
  await mails.begin([one]);
  await tellAll();
  expect(letters.map(({ notificationId }) => notificationId)).toEqual([one.entryId, one.entryId, one.entryId]);
  expect(await rows()).toEqual([{ state: 'failed', why: 'try later' }]);
});

test('without a contact nothing is sent, and while the directory does not answer it waits', async () => {
  contact = () => {
    throw new ProblemError('service_unavailable', 'away');
  };
  await mails.begin([disabled()]);
  await mails.tellNext();
  expect(await rows()).toMatchObject([{ state: 'pending' }]);
  contact = () => undefined;
  await tellAll();
  expect(letters).toEqual([]);
  expect(await rows()).toEqual([{ state: 'failed', why: 'the app names no contactEmail' }]);
});
