import { rootCertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { LedAgent } from './led-agent.js';

test('what is trusted is no part of the name by which connections are looked up for each request', () => {
  const agent = new LedAgent({ ca: [...rootCertificates] });
  expect(agent.options.ca).toBeUndefined();
  expect(agent.getName({ host: 'fcm.googleapis.com', port: 443 }).length).toBeLessThan(200);
  agent.destroy();
});
