import { problems, type Topic, topics } from '@communication-center/contracts';
import { jsonSchemaOf } from './json-schema.js';

type Property = { type?: string; description?: string; enum?: string[]; anyOf?: Property[]; items?: Property };
type EventJson = { properties: { type: { const: string }; data: { properties: Record<string, Property>; required?: string[] } } };

function typeText({ type, anyOf, items, enum: values }: Property): string {
  if (values) return values.map((value) => `\`${value}\``).join(' ');
  if (anyOf) return anyOf.map(typeText).join(' or ');
  return type === 'array' && items ? `list of ${typeText(items)}` : (type ?? 'any');
}

function eventsOf(topic: Topic): string {
  const { events } = topics[topic];
  return ('options' in events ? events.options : [events])
    .map((option) => {
      const { type, data } = (jsonSchemaOf(option, 'output') as EventJson).properties;
      const rows = Object.entries(data.properties).map(
        ([name, property]) =>
          `| \`${name}\`${data.required?.includes(name) ? '' : ' (optional)'} | ${typeText(property)} | ${property.description ?? ''} |`,
      );
      return `### ${type.const}\n\n| field | type | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
    })
    .join('\n');
}

/** @returns a page with every topic, event and error code. */
export function eventCatalog(): string {
  const topicRows = Object.entries(topics).map(([name, { key, retention }]) => `| \`${name}\` | ${key} | ${retention} |`);
  const problemRows = Object.entries(problems).map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`);
  return `# Events and errors

Generated from \`libs/contracts\` by \`npm run docs\`: do not edit.

Events are CloudEvents 1.0 in Kafka's binary mode: attributes in \`ce_\` headers, the data as JSON. \`ce_sequence\` counts the events of a
subject from 1 without a gap; a consumer drops what is not newer. Every topic has \`KAFKA_PARTITIONS\` partitions.

## Topics

| topic | key | kept |
| --- | --- | --- |
${topicRows.join('\n')}

${(Object.keys(topics) as Topic[]).map((topic) => `## ${topic}\n\n${eventsOf(topic)}`).join('\n')}
## Error codes

The same over REST (RFC 9457 problem+json) and the sockets. A code never changes its meaning.

| code | HTTP status | meaning |
| --- | --- | --- |
${problemRows.join('\n')}
`;
}
