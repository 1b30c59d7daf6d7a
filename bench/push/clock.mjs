/** @returns milliseconds of the one clock that all processes of a machine share. */
export const nowMs = () => Number(process.hrtime.bigint() / 1000n) / 1000;
