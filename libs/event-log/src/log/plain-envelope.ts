/** As the Center writes times (RFC 3339, in UTC), but for the last days of months, of which it takes a calendar to say whether they are. */
const plainTime = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d+Z$/;
const appId = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/**
 * Whether the attributes of an event are what `anyEventSchema` asks for, told in a tenth of the time: every event is read by many. It may say
 * no of one that is: then the schema judges, and says what is wrong.
 */
export function isPlainEnvelope(attributes: Readonly<Record<string, unknown>>): boolean {
  const { specversion, id, source, type, time, subject, appid, sequence, dataversion, traceparent } = attributes;
  return (
    specversion === '1.0' &&
    [id, source, type, subject].every((one) => typeof one === 'string' && one !== '') &&
    [sequence, dataversion].every((one) => Number.isSafeInteger(one) && (one as number) > 0) &&
    typeof time === 'string' &&
    plainTime.test(time) &&
    typeof appid === 'string' &&
    appId.test(appid) &&
    (traceparent === undefined || typeof traceparent === 'string')
  );
}
