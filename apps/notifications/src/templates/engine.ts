import type { Rendered, TemplateBody, TemplateTexts } from '@communication-center/contracts';
import type { Liquid } from 'liquidjs';
import { localeFor } from '../domain/locales.js';

/** What a template may name. */
export interface Told {
  app: string;
  rule: string;
  event: string;
  /** When it happened, as the receiver writes times. */
  when: string;
  reason: string;
  call: { id: string };
  caller: { name: string; alias: string };
  receiver: { name: string; alias: string };
}

export const sample: Told = {
  app: 'demo',
  rule: 'missed-call',
  event: 'call.missed',
  when: 'Nov 28, 2026, 9:30 AM UTC',
  reason: 'no_answer',
  call: { id: '01a212f5-72f3-745f-9835-9b692595a83a' },
  caller: { name: 'Alice', alias: 'alice' },
  receiver: { name: 'Bob', alias: 'bob' },
};
const mayName = 'app, rule, event, when, reason, call.id, caller.name, caller.alias, receiver.name and receiver.alias';

const parseCharacters = 100_000;
const renderMs = 100;
/** Of values that a template makes while it is rendered; LiquidJS counts roughly. */
const memoryBytes = 1_000_000;
const mostRendered = 200_000;

/** A part of a template that cannot be used, and what would make it usable. */
export class TemplateFault extends Error {
  override name = 'TemplateFault';
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Fills templates in. Whatever stands in one reads what it is told and nothing else: no files, no filters that leave values as they are
 * in HTML, and no more than so long, and so much, for each.
 */
export class TemplateEngine {
  #plain: Promise<Liquid> | undefined;
  #escaping: Promise<Liquid> | undefined;

  /** @throws TemplateFault for the first part that cannot be filled in, whatever is told. */
  async check(template: TemplateBody): Promise<void> {
    for (const [locale, texts] of Object.entries(template.locales))
      for (const part of ['subject', 'text', 'html'] as const) {
        const source = texts[part];
        if (source !== undefined) await this.#fill(part, source, sample, `locales.${locale}.${part}`);
      }
  }

  /** @throws TemplateFault where it cannot be filled in. */
  async render(template: TemplateBody, wanted: string | null, told: Told): Promise<Rendered> {
    const locale = localeFor(wanted, Object.keys(template.locales), template.defaultLocale);
    const texts = template.locales[locale] as TemplateTexts;
    const fill = (part: 'subject' | 'text' | 'html', source: string) => this.#fill(part, source, told, `locales.${locale}.${part}`);
    return {
      locale,
      subject: oneLine(await fill('subject', texts.subject)).slice(0, 500),
      text: await fill('text', texts.text),
      ...(texts.html !== undefined && { html: await fill('html', texts.html) }),
    };
  }

  async #fill(part: 'subject' | 'text' | 'html', source: string, told: Told, field: string): Promise<string> {
    this.#plain ??= engine(false);
    this.#escaping ??= engine(true);
    const liquid = await (part === 'html' ? this.#escaping : this.#plain);
    try {
      const filled = String(await liquid.parseAndRender(source, lines(told)));
      if (filled.length > mostRendered) throw new Error('it comes to more than 200,000 characters: make it shorter');
      return filled;
    } catch (error) {
      throw new TemplateFault(field, inWords(error));
    }
  }
}

async function engine(escapes: boolean): Promise<Liquid> {
  const { Liquid } = await import('liquidjs');
  const made = new Liquid({
    strictFilters: true,
    strictVariables: true,
    ownPropertyOnly: true,
    // Nothing is read from anywhere.
    templates: {},
    dynamicPartials: false,
    parseLimit: parseCharacters,
    renderLimit: renderMs,
    memoryLimit: memoryBytes,
    ...(escapes && { outputEscape: 'escape' as const }),
  });
  // What comes in is somebody's name: no template takes it as it is.
  made.registerFilter('raw', (value: unknown) => value);
  return made;
}

/** A name that holds a line break must not make a line of its own. */
const oneLine = (name: string) => name.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();

const lines = (told: Told): object => ({
  ...told,
  caller: { ...told.caller, name: oneLine(told.caller.name) },
  receiver: { ...told.receiver, name: oneLine(told.receiver.name) },
});

/** @returns what is wrong and how it is put right, in one line. */
function inWords(error: unknown): string {
  const said = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 200);
  if (/undefined variable/.test(said)) return `${said}: it may name ${mayName}`;
  if (/undefined filter/.test(said)) return `${said}: use a filter of LiquidJS`;
  if (/ENOENT|partial|layout/i.test(said)) return `${said}: write it here, nothing is included`;
  if (/limit exceeded/.test(said)) return `${said}: make it shorter, with fewer loops`;
  return `${said}: LiquidJS does not take it`;
}
