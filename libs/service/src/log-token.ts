import type { Logger } from 'pino';

/** Injection token of the process's logger, a {@link LineLog}. */
export const Log = Symbol('Log');

/** What writes log lines: each tells by itself what the work under way belongs to. */
export type LineLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
