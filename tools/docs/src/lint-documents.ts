import { createConfig, lintFromString } from '@redocly/openapi-core';

export interface Document {
  name: string;
  text: string;
  /** Rules that do not hold for it. */
  but: readonly string[];
}

/** @throws Error that names every fault which the linter's recommended rules find. */
export async function requireSound(documents: readonly Document[]): Promise<void> {
  const faults: string[] = [];
  for (const { name, text, but } of documents) {
    const rules = Object.fromEntries(but.map((rule) => [rule, 'off' as const]));
    const config = await createConfig({ extends: ['recommended'], rules });
    const found = await lintFromString({ source: text, absoluteRef: name, config });
    faults.push(...found.map(({ message, location, ruleId }) => `${name} ${location[0]?.pointer ?? ''}: ${message} (${ruleId})`));
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
}
