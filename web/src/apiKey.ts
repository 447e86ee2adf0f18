/** The API key of this tab: never in localStorage, so it is gone when the tab is. */

const STORAGE_KEY = 'hyperdata:api-key';

/** Moves a key given as `#key=…` out of the address bar, where it would be copied and bookmarked. */
function takeKeyFromAddress(): string | null {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key !== null) history.replaceState(history.state, '', location.pathname + location.search);
  return key;
}

export function loadApiKey(): string {
  const given = takeKeyFromAddress();
  if (given === null) return sessionStorage.getItem(STORAGE_KEY) ?? '';
  saveApiKey(given);
  return given;
}

export function saveApiKey(key: string): void {
  if (key === '') sessionStorage.removeItem(STORAGE_KEY);
  else sessionStorage.setItem(STORAGE_KEY, key);
}
