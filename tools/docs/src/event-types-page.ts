import { type EventTypeView, eventTypeList } from '@communication-center/contracts/event-types';

/** @returns a page with every event type that endpoints are told of: what it means, since when there is it, and an example. */
export function eventTypesPage(): string {
  const { newestPayloadVersion, eventTypes } = eventTypeList();
  const rows = eventTypes.map(({ type, description, since }) => `| [\`${type}\`](#${anchorOf(type)}) | ${description} | ${since} |`);
  return `# What endpoints are told

Generated from \`libs/contracts\` by \`npm run docs\`: do not edit. How they are told is on [the page of webhooks](../webhooks.md).

The newest payload version is \`${newestPayloadVersion}\`. \`GET /v1/event-types\` answers with the same, and with the JSON Schema of each; what is not in a schema may be added.
What the fields mean is in [events](events.md).

| type | meaning | since |
| --- | --- | --- |
${rows.join('\n')}

${eventTypes.map(sectionOf).join('\n')}`;
}

function sectionOf({ type, description, example }: EventTypeView): string {
  return `## ${type}\n\n${description}\n\n\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`\n`;
}

/** As GitHub makes anchors of headings. */
function anchorOf(type: string): string {
  return type.replaceAll('.', '');
}
