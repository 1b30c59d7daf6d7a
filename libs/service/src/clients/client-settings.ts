import { z } from 'zod';
import { flagSetting, numberSetting } from '../settings.js';
import { asNetwork } from './client-address.js';

const networks = z
  .string()
  .default('')
  .transform((text, context) => {
    const entries = text.split(',').map((entry) => entry.trim());
    const given = entries.filter((entry) => entry !== '');
    for (const entry of given) {
      try {
        asNetwork(entry);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
      }
    }
    return given;
  });

/** What a door that the world speaks to knows of its clients. Each such door spreads these into its own settings. */
export const clientSettings = {
  TRUSTED_PROXIES: networks.describe(
    'addresses and networks (CIDR), separated by commas, of the proxies and load balancers before this door: of what they say alone a client’s address is taken (X-Forwarded-For, PROXY protocol)',
  ),
  PROXY_PROTOCOL: flagSetting(false).describe(
    'whether connections from TRUSTED_PROXIES begin with a header of the PROXY protocol (version 1 or 2), as load balancers of TCP send it',
  ),
  CONNECTIONS_PER_ADDRESS: numberSetting(1000, { min: 1 }).describe(
    'connections of one client address (of IPv6: one /64) that have not signed in, at a replica at a time',
  ),
  SIGNED_IN_PER_ADDRESS: numberSetting(20_000, { min: 1 }).describe(
    'connections of one client address that have signed in, at a replica at a time',
  ),
};
const clientSettingsSchema = z.object(clientSettings);
export type ClientSettings = z.infer<typeof clientSettingsSchema>;
