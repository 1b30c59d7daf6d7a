/** Resolves when something is so, or after so many milliseconds. */
export async function until(isSo: () => boolean, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}
