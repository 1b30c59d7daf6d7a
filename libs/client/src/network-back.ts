/**
 * Tells when the platform says that it has a network again, where it says so.
 * @returns a function that ends it.
 */
export function onNetworkBack(listener: () => void): () => void {
  if (typeof window === 'undefined' || typeof window.addEventListener !== 'function') return () => undefined;
  window.addEventListener('online', listener);
  return () => window.removeEventListener('online', listener);
}

/**
 * Tells when the platform says that its network is another one, or is back, where it says so.
 * @returns a function that ends it.
 */
export function onNetworkChange(listener: () => void): () => void {
  const offBack = onNetworkBack(listener);
  // Network Information API: not in every browser.
  const connection = typeof navigator === 'undefined' ? undefined : (navigator as { connection?: EventTarget }).connection;
  connection?.addEventListener?.('change', listener);
  return () => {
    offBack();
    connection?.removeEventListener?.('change', listener);
  };
}
