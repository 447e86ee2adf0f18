/** How many events there are in each slice of a window, where there are too many to draw each. */

import { useMemo } from 'react';
import { useQuery } from 'urql';
import type { VariablesOf } from '../api/graphql';
import type { Place } from '../url/place';
import { type Density, densityDocument, type EVENTS, SLICES } from './eventsQuery';
import { scopeVariables, UNCACHED } from './scope';
import type { Span } from './timeScale';

export type EventFilter = NonNullable<VariablesOf<typeof EVENTS>['filter']>;

/** What is asked for, within a window of time. */
export function inWindow(asked: EventFilter | null, span: Span | null): EventFilter | null {
  if (!span) return asked;
  const time = { onset: { gte: Math.round(span.from), lt: Math.round(span.to) } };
  return asked ? { and: [asked, time] } : time;
}

/** Counts by category, a list of slices each; null while nobody asks, or nothing has come. */
export function useDensity(
  place: Place,
  asked: EventFilter | null,
  span: Span | null,
): ReadonlyMap<string, number[]> | null {
  const { atRoom, roomId, participantId } = scopeVariables(place);
  const variables = useMemo(() => {
    if (!span) return {};
    const edge = (at: number) => Math.round(span.from + ((span.to - span.from) * at) / SLICES);
    const slices = Array.from({ length: SLICES }, (_, at) => [
      `s${at}`,
      inWindow(asked, { from: edge(at), to: edge(at + 1) }),
    ]);
    return { roomId, ...(atRoom ? {} : { participantId }), ...Object.fromEntries(slices) };
  }, [span, asked, roomId, participantId, atRoom]);
  const query = useMemo(() => densityDocument(atRoom), [atRoom]);
  const [{ data }] = useQuery<Density>({
    query,
    variables,
    pause: span === null,
    context: UNCACHED,
  });
  return useMemo(() => {
    if (!span || !data?.place) return null;
    const rows = new Map<string, number[]>();
    for (let at = 0; at < SLICES; at++) {
      for (const { kind, count } of data.place[`s${at}`] ?? []) {
        const row = rows.get(kind ?? '') ?? new Array<number>(SLICES).fill(0);
        row[at] = count;
        rows.set(kind ?? '', row);
      }
    }
    return rows;
  }, [data, span]);
}
