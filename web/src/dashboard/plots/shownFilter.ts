import { useMemo } from 'react';
import { useSearchState } from '../url/state';

/** The filter of the table below (`f` in the address), so that a plot shows the rows that it has. */
export function useShownFilter<Filter extends object>(): Filter | null {
  const [f] = useSearchState('f');
  return useMemo(() => {
    try {
      const found: unknown = JSON.parse(f ?? 'null');
      return typeof found === 'object' && !Array.isArray(found) ? (found as Filter | null) : null;
    } catch {
      return null;
    }
  }, [f]);
}
