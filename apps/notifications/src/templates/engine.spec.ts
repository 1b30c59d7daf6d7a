/*
 * A template says what it was told, escaped where it is HTML, in the receiver's language or the nearest there is; what cannot be filled
 * in is refused by name, with what would put it right, and nothing takes long or much.
 */
import type { TemplateBody } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { defaultTemplates } from '../domain/default-rules.js';
import { localeFor, whenIn } from '../domain/locales.js';
import { sample, TemplateEngine } from './engine.js';

const engine = new TemplateEngine();
const of = (text: string, html?: string): TemplateBody => ({
  defaultLocale: 'en',
  locales: { en: { subject: 's', text, ...(html && { html }) } },
});
const faultOf = async (template: TemplateBody) => {
  const error = await engine.check(template).catch((fault) => fault);
  return error && `${error.field}: ${error.message}`;
};

test('those that each app has can be filled in, in each language', async () => {
  for (const template of Object.values(defaultTemplates)) expect(await faultOf(template)).toBeUndefined();
  const { subject, text, locale } = await engine.render(defaultTemplates['missed-call'] as TemplateBody, 'de-AT', sample);
  expect([locale, subject]).toEqual(['de', 'Anruf von Alice verpasst']);
  expect(text).toContain('Hallo Bob,');
});

test('a name is text: in HTML it is escaped, whatever the template says, and it makes no header and no line of its own', async () => {
  const told = { ...sample, caller: { alias: 'eve', name: '<b>Eve</b>\r\nBcc: all@example.com' } };
  const template = {
    defaultLocale: 'en',
    locales: { en: { subject: 'From {{ caller.name }}', text: '{{ caller.name }}', html: '{{ caller.name | raw }}' } },
  };
  const { subject, text, html } = await engine.render(template, null, told);
  expect(subject).toBe('From <b>Eve</b> Bcc: all@example.com');
  expect(text).toBe('<b>Eve</b> Bcc: all@example.com');
  expect(html).toBe('&lt;b&gt;Eve&lt;/b&gt; Bcc: all@example.com');
});

test('what cannot be filled in is refused by name, with what would put it right', async () => {
  expect(await faultOf(of('{{ caller.nmae }}'))).toMatch(/^locales\.en\.text: .*nmae.*it may name .*caller\.name/);
  expect(await faultOf(of('{{ when | shout }}'))).toMatch(/^locales\.en\.text: .*shout.*use a filter of LiquidJS/);
  expect(await faultOf(of('{% if when %}'))).toMatch(/not closed.*LiquidJS does not take it/);
  expect(await faultOf(of('fine', '{% include "/etc/passwd" %}'))).toMatch(/^locales\.en\.html: .*nothing is included/);
  expect(await faultOf(of('{{ caller.constructor.name }}'))).toMatch(/undefined variable/);
});

test('one that takes long, or makes much, is broken off', async () => {
  const begun = performance.now();
  expect(await faultOf(of('{% for a in (1..100000) %}{% for b in (1..100000) %}{{ a }}{% endfor %}{% endfor %}'))).toMatch(
    /limit exceeded/,
  );
  expect(await faultOf(of('{% assign s = "0123456789" %}{% for a in (1..40) %}{% assign s = s | append: s %}{% endfor %}{{ s }}'))).toMatch(
    /limit exceeded/,
  );
  expect(performance.now() - begun).toBeLessThan(5000);
});

test('of a locale the nearest is taken that there is', () => {
  expect(localeFor('pt-BR', ['en', 'pt'], 'en')).toBe('pt');
  expect(localeFor('de-AT', ['en', 'de-AT', 'de'], 'en')).toBe('de-AT');
  expect(localeFor('DE-at', ['en', 'de-AT'], 'en')).toBe('de-AT');
  expect(localeFor('fr', ['en', 'de'], 'de')).toBe('de');
  expect(localeFor(null, ['en'], 'en')).toBe('en');
});

test('a moment is told by the clock of its reader', () => {
  const at = new Date('2026-03-29T01:30:00Z');
  expect(whenIn(at, 'en-GB', 'Europe/Vienna')).toContain('03:30');
  expect(whenIn(at, null, null)).toContain('UTC');
  expect(whenIn(at, 'no-such-locale-at-all', 'Mars/Olympus')).toContain('UTC');
});
