/** State that lives in the address, so that every view can be linked, and gone back to. */

import { useCallback, useMemo } from 'react';
import { useSearch } from 'wouter';
import { navigate } from 'wouter/use-browser-location';

export type SetSearch = (value: string | null, options?: { replace?: boolean }) => void;

/** One search parameter; null when it is not there. */
export function useSearchState(name: string): [string | null, SetSearch] {
  const search = useSearch();
  const value = useMemo(() => new URLSearchParams(search).get(name), [search, name]);
  const set = useCallback<SetSearch>(
    (next, options) => setSearch({ [name]: next }, options),
    [name],
  );
  return [value, set];
}

/** Sets several at once: one step back undoes them all. */
export function setSearch(
  changes: Record<string, string | null>,
  options?: { replace?: boolean },
): void {
  const search = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') search.delete(name);
    else search.set(name, value);
  }
  const text = search.toString();
  const path = text === '' ? location.pathname : `${location.pathname}?${text}`;
  if (path !== location.pathname + location.search) {
    navigate(path, { replace: options?.replace ?? false });
  }
}
