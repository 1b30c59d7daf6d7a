import { relative } from 'node:path';
import type { FastifyStaticOptions } from '@fastify/static';

/** Its name changes with what is in it: whoever has it need not ask again for a year. */
const keptForAYear = 'public, max-age=31536000, immutable';
/** May be kept, but is asked about each time: by its tag that costs no body. */
const askedAbout = 'no-cache';

/**
 * How the console's files are served: as small as the build made them for what the browser takes, and kept as long as they are good.
 * @param root folder of the built console; what the build named by its content lies in `assets/`.
 */
export function filesOf(root: string): FastifyStaticOptions {
  return {
    root,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isNamedByContent = relative(root, path).startsWith('assets/');
      reply.header('cache-control', isNamedByContent ? keptForAYear : askedAbout);
    },
  };
}
