/** Injection token of the process's logger. */
export const Log = Symbol('Log');
