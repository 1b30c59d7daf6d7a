import { z } from 'zod';
import { text } from './text.js';

/*
 * Through what an app sends e-mails and SMS: its own mail server, its own SMSC, or its account at Twilio.
 */

const hostname = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'write the name of a host, such as smtp.example.com');
const port = z.int().min(1).max(65_535);

const smtpBodySchema = z.strictObject({
  provider: z.literal('smtp'),
  host: hostname,
  port: port.default(587),
  security: z
    .enum(['tls', 'starttls', 'none'])
    .default('starttls')
    .describe('tls: from the beginning, as on port 465; starttls: before anything is said, or nothing is sent; none: for development only'),
  username: text().min(1).max(320).optional(),
  password: text().min(1).max(1024).optional(),
  from: z.email().max(320).describe('the address that e-mails come from'),
  fromName: text().min(1).max(100).optional(),
  dkim: z
    .strictObject({
      domain: hostname,
      selector: z.string().regex(/^[A-Za-z0-9._-]{1,63}$/, 'write it as in the name of the DNS record'),
      privateKey: text().min(100).max(8192).describe('RSA, in PEM'),
    })
    .optional()
    .describe('signs e-mails here (RFC 6376), where the mail server does not'),
});
export type SmtpBody = z.infer<typeof smtpBodySchema>;

/** What SMPP keeps in an octet string that ends with a NUL. */
const cString = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[\x20-\x7e]*$/, 'use ASCII');

const smppBodySchema = z.strictObject({
  provider: z.literal('smpp'),
  host: hostname,
  port: port.default(2775),
  security: z
    .enum(['tls', 'none'])
    .default('tls')
    .describe('none: the password and all numbers and texts can be read on the way; for a private line, or one inside a tunnel'),
  systemId: cString(15).min(1),
  password: cString(64).optional().describe('SMPP 3.4 has 8 characters; some SMSCs take more'),
  systemType: cString(12).default(''),
  from: cString(15).min(1).describe('the sender: a number in E.164, a short code (3 to 6 digits), or up to 11 letters and digits'),
  window: z.int().min(1).max(50).default(10).describe('submissions without an answer at a time, on each connection'),
});
export type SmppBody = z.infer<typeof smppBodySchema>;

const twilioBodySchema = z
  .strictObject({
    provider: z.literal('twilio'),
    accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, 'it begins with AC'),
    authToken: z
      .string()
      .min(16)
      .max(128)
      .regex(/^[\x21-\x7e]+$/, 'use ASCII')
      .describe('signs in, and signs what Twilio tells here'),
    from: cString(15).min(1).optional().describe('the sender: a number in E.164, a short code or a name'),
    messagingServiceSid: z
      .string()
      .regex(/^MG[0-9a-fA-F]{32}$/, 'it begins with MG')
      .optional()
      .describe('instead of a sender: a service that chooses one'),
  })
  .refine(({ from, messagingServiceSid }) => (from === undefined) !== (messagingServiceSid === undefined), {
    message: 'name a sender or a messaging service',
    path: ['from'],
  });
export type TwilioBody = z.infer<typeof twilioBodySchema>;

/** Body of PUT /v1/channel-credentials. */
export const channelCredentialBodySchema = z.discriminatedUnion('provider', [smtpBodySchema, smppBodySchema, twilioBodySchema]);
export type ChannelCredentialBody = z.infer<typeof channelCredentialBodySchema>;
export const channelProviderSchema = z
  .enum(['smtp', 'smpp', 'twilio'])
  .describe('smtp: a mail server; smpp: an SMSC; twilio: an account there. Of an app that has both of the last, the SMSC sends');
export type ChannelProvider = z.infer<typeof channelProviderSchema>;

const savedAt = z.iso.datetime();
const smtpViewSchema = z.object({
  ...smtpBodySchema.omit({ password: true, dkim: true }).shape,
  savedAt,
  dkimDomain: z.string().optional(),
  dkimSelector: z.string().optional(),
});
const smppViewSchema = z.object({ ...smppBodySchema.omit({ password: true }).shape, savedAt });
const twilioViewSchema = z.object({
  provider: z.literal('twilio'),
  savedAt,
  accountSid: z.string(),
  from: z.string().optional(),
  messagingServiceSid: z.string().optional(),
});
/** What is told of them: nothing secret. */
export const channelCredentialViewSchema = z.discriminatedUnion('provider', [smtpViewSchema, smppViewSchema, twilioViewSchema]);
export type ChannelCredentialView = z.infer<typeof channelCredentialViewSchema>;
export const channelCredentialListSchema = z.object({ credentials: z.array(channelCredentialViewSchema) });
export const channelVerdictSchema = z.object({ works: z.boolean(), reason: z.string().nullable() });
export type ChannelVerdict = z.infer<typeof channelVerdictSchema>;

/** What Twilio posts of a message to POST /v1/sms-status/{token}, as it comes: all of it is signed. */
export const smsStatusBodySchema = z
  .record(text().max(100), text().max(2000))
  .describe('a form: MessageSid, MessageStatus, ErrorCode, and whatever else Twilio says');
