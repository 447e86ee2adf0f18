/** A list of the API as a window of pages, and how many rows it has. */

import { useEffect, useMemo, useState } from 'react';
import { type Client, CombinedError, type OperationResult, useQuery } from 'urql';
import { pipe, subscribe, take } from 'wonka';
import { useApi } from '../api/client';
import {
  connectionIn,
  countDocument,
  type Listing,
  pageDocument,
  placeVariables,
} from './document';
import type { Filter } from './filters';
import type { Order } from './order';
import { PageWindow } from './PageWindow';

export interface Wanted {
  listing: Listing;
  selections: readonly string[];
  filter: Filter | null;
  orderBy: Order[];
  pageSize: number;
}

/** Thrown for a place that is not there, or that whoever asks may not see. */
export class NoSuchPlace extends Error {}

/** A new window whenever something else is wanted, and when it is refreshed. */
export function useListing<Row>(wanted: Wanted) {
  const { client } = useApi();
  const [turn, setTurn] = useState(0);
  const text = JSON.stringify(wanted);

  const { query, pages } = useMemo(() => {
    const { listing, selections, filter, orderBy, pageSize } = JSON.parse(text) as Wanted;
    const document = pageDocument(listing, selections);
    const variables = { ...placeVariables(listing.place), filter, orderBy };
    const pages = new PageWindow<Row>(async (after, signal) => {
      const asked = { ...variables, first: pageSize, after };
      const { data, error } = await askOnce(client, document, asked, signal);
      const connection = connectionIn(data, listing);
      if (connection?.nodes && connection.pageInfo) {
        const { hasNextPage, endCursor } = connection.pageInfo;
        return { rows: connection.nodes as Row[], next: hasNextPage ? endCursor : null };
      }
      throw error ?? new NoSuchPlace();
    }, pageSize);
    return { query: { document, variables: { ...variables, first: pageSize } }, pages, turn };
  }, [client, text, turn]);

  useEffect(() => {
    pages.look(0, 0);
    return () => pages.close();
  }, [pages]);

  const count = useCount(wanted, turn);
  return { pages, query, count, refresh: () => setTurn((before) => before + 1) };
}

function useCount({ listing, filter }: Wanted, turn: number): number | null {
  const [{ data, stale }, again] = useQuery({
    query: countDocument(listing),
    variables: { ...placeVariables(listing.place), filter },
  });
  useEffect(() => {
    if (turn > 0) again({ requestPolicy: 'network-only' });
  }, [turn, again]);
  const count = connectionIn(data, listing)?.totalCount;
  return stale ? null : (count ?? null);
}

/** Asks past the cache; a request that is not wanted any more ends. */
function askOnce(
  client: Client,
  document: string,
  variables: Record<string, unknown>,
  signal: AbortSignal,
): Promise<OperationResult> {
  return new Promise((resolve) => {
    const source = client.query(document, variables, { ...UNCACHED });
    const { unsubscribe } = pipe(source, take(1), subscribe(resolve));
    signal.addEventListener('abort', unsubscribe, { once: true });
  });
}

const UNCACHED = { uncached: true, requestPolicy: 'network-only' } as const;

/** What a window failed with, as urql's error; null for a place that is not there. */
export function errorOf(error: unknown): CombinedError | null {
  if (error instanceof NoSuchPlace) return null;
  if (error instanceof CombinedError) return error;
  return new CombinedError({ networkError: error instanceof Error ? error : new Error() });
}
