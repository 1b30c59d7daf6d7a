/**
 * Tells when the platform says that it has a network again, where it says so.
 * @returns a function that ends it.
 */
export function onNetworkBack(listener: () => void): () => void {
  if (typeof window === 'undefined' || typeof window.addEventListener !== 'function') return () => undefined;
  window.addEventListener('online', listener);
  return () => window.removeEventListener('online', listener);
}
