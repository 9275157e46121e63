/**
 * What the browser says about the page, as inputs of the connection. Outside of a browser nothing is said.
 *
 * `pagehide` is the last moment at which a page is told anything on every platform; `beforeunload` is not sent on
 * phones and keeps the page out of the back/forward cache.
 *
 * @param {(input: import('./machine.js').Input) => void} feed
 * @returns {() => void} stops listening
 */
export function watchPageLife(feed) {
  if (typeof window === 'undefined' || typeof document === 'undefined') return () => {};
  const listening = new AbortController();
  const { signal } = listening;
  const wake = () => feed({ type: 'wake', network_changed: false });
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && wake(), { signal });
  window.addEventListener('pageshow', wake, { signal });
  window.addEventListener('online', () => feed({ type: 'wake', network_changed: true }), { signal });
  window.addEventListener('pagehide', () => feed({ type: 'suspend' }), { signal });
  return () => listening.abort();
}
