import {
  defaultLimits,
  type LimitHolder,
  type LimitKind,
  limitHolders,
  limitKinds,
  type Rate,
  signInFailureLimits,
  simultaneousCallsByDefault,
  storedBytesByDefault,
} from '@communication-center/contracts';

/** @returns a page with what may be done a second and at once, read from the table that the gateways hold everybody to. */
export function limitsPage(): string {
  const kinds = Object.entries(limitKinds) as [LimitKind, string][];
  const rows = kinds.map(([kind, what]) => `| \`${kind}\` | ${limitHolders.map((holder) => cellOf(kind, holder)).join(' | ')} | ${what} |`);
  return `# Limits

Generated from \`libs/contracts/src/limits.ts\` by \`npm run docs\`: do not edit.

How much may be done in whose name, unless the operator sets otherwise: so many a second on average, and so many at once after a pause (a
token bucket). An act counts for each that is named; it is refused, and counts for none, where one of them has used its share up.

| kind | ${limitHolders.join(' | ')} | what counts |
| --- | ${limitHolders.map(() => '---').join(' | ')} | --- |
${rows.join('\n')}

- Addresses count for whoever comes without an API key: servers of many apps may share one. Of IPv6 it is the /64. Frames of a socket that is signed in
  count for its user and app alone. The operator is not limited. What a socket may send in all is bounded besides (\`FRAMES_PER_SECOND\`, \`FRAME_BURST\`).
- Sign-ins that failed: ${textOf(signInFailureLimits.address)} from an address (\`SIGN_IN_FAILURES_PER_SECOND\`, \`SIGN_IN_FAILURE_BURST\`), ${textOf(signInFailureLimits.alias)} for an alias from an address. Who has more behind it is refused before its credential is
  looked at, unless that was good there within ten minutes.
- Over REST a refusal is \`429\` \`rate_limited\` with \`Retry-After\`; every answer that counts tells how things stand in \`RateLimit-Policy\` and \`RateLimit\`
  (draft-ietf-httpapi-ratelimit-headers). Over a socket it is an \`error\` of the frame with \`rate_limited\` and \`retryAfterSeconds\`; a \`connect\` that is refused so is closed
  with 1013, and tried again by the SDK.
- The operator sets an app's limits as its option \`limits\`, such as \`{"dials": {"app": {"perSecond": 5, "burst": 50}}}\`; gateways hold to it within ten seconds.
  \`GET /v1/apps/{appId}/limits\` tells what holds.
- Calls at a time, from the dial to the end: ${simultaneousCallsByDefault} of an app (\`limits.simultaneousCalls\`); a dial beyond is told \`too_many_calls\`.
- Stored bytes: ${storedBytesByDefault} of an app (\`limits.storedBytes\`), counted are its users: 64 bytes each, and aliases, profiles and groups in UTF-8. What
  makes it more than that is refused with \`storage_full\`; what makes it less never is. \`bytesStored\` tells what there is. What else an app stores is bounded by number and size
  (keys, secrets, SIP accounts, endpoints), or goes by its age: calls and their custom data, whose number \`dials\` limits.
- Subscriptions of phone systems at a time: \`SUBSCRIPTIONS_PER_APP\` of an app at a replica. A SUBSCRIBE beyond a limit is answered 480, one that renews 500, with \`Retry-After\`; one that ends never is.
- A media socket beyond a limit is told \`rate_limited\`, and closed.
- Whoever is refused for failed sign-ins waits for that a second, and longer where many do: 500 such requests a second are looked at, nothing else is read of its connection, nor of a new one from there, meanwhile.
- Doors (gateways, media, SIP) count together in Redis (\`REDIS_URL\`); while it is away or slow each counts for itself.
`;
}

function cellOf(kind: LimitKind, holder: LimitHolder): string {
  const rate = defaultLimits[kind][holder];
  return rate ? textOf(rate) : '–';
}

function textOf({ perSecond, burst }: Rate): string {
  return `${perSecond} a second, ${burst} at once`;
}
